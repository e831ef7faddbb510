-- How many calculations that answer for candidates of a campaign have which status.
-- :campaign
SELECT j.status, count(*) AS n
FROM validation_jobs j
WHERE EXISTS (
    SELECT 1
    FROM candidates c
    JOIN active_learning_runs r USING (partition_key)
    JOIN campaigns g ON g.name = r.campaign
    WHERE c.material_id = j.material_id AND c.status <> 'ranked' AND r.campaign = :campaign
      AND g.document ->> 'validator' = j.validator AND g.document ->> 'method' = j.method)
GROUP BY j.status
