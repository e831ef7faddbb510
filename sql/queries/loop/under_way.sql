SELECT DISTINCT c.material_id
FROM candidates c
JOIN active_learning_runs r USING (partition_key)
WHERE r.campaign = :campaign AND c.status = 'in_validation'
