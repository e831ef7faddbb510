-- What is out by iteration: how many candidates wait for somebody to begin, how many are being worked on, and since when.
-- :campaign
SELECT r.iteration, CAST(c.status AS text) AS status, count(*) AS n, min(c.updated_at) AS since
FROM candidates c
JOIN active_learning_runs r USING (partition_key)
WHERE r.campaign = :campaign AND c.status IN ('flagged', 'in_validation')
GROUP BY r.iteration, c.status
ORDER BY r.iteration, c.status
