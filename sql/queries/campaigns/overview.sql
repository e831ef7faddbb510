SELECT c.name, c.status, c.stop_reason, count(DISTINCT r.partition_key) AS n_iterations,
       count(DISTINCT v.material_id) AS n_evaluated
FROM campaigns c
LEFT JOIN active_learning_runs r ON r.campaign = c.name
LEFT JOIN validation_results v ON v.partition_key = r.partition_key
GROUP BY c.name
ORDER BY min(c.created_at), c.name
