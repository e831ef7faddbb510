-- How many candidates a calculation is still to answer for.
SELECT count(*) AS n
FROM candidates c
JOIN active_learning_runs r USING (partition_key)
JOIN campaigns g ON g.name = r.campaign
WHERE c.material_id = :material_id AND c.status = 'in_validation'
  AND g.document ->> 'validator' = :validator AND g.document ->> 'method' = :method
