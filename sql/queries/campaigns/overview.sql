-- What each campaign has come to, and how its candidates stand.
SELECT c.name, c.status, c.stop_reason, c.document,
       (SELECT count(*) FROM active_learning_runs r WHERE r.campaign = c.name) AS n_iterations,
       (SELECT count(DISTINCT v.material_id) FROM effective_results v
        JOIN active_learning_runs r USING (partition_key) WHERE r.campaign = c.name) AS n_evaluated,
       count(k.candidate_id) FILTER (WHERE k.status = 'ranked') AS ranked,
       count(k.candidate_id) FILTER (WHERE k.status = 'flagged') AS flagged,
       count(k.candidate_id) FILTER (WHERE k.status = 'in_validation') AS in_validation,
       count(k.candidate_id) FILTER (WHERE k.status = 'validated') AS validated,
       count(k.candidate_id) FILTER (WHERE k.status = 'rejected') AS rejected
FROM campaigns c
LEFT JOIN active_learning_runs i ON i.campaign = c.name
LEFT JOIN candidates k ON k.partition_key = i.partition_key
GROUP BY c.name
ORDER BY c.created_at, c.name
