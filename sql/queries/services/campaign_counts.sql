-- What each campaign has come to.
SELECT c.name,
       c.status,
       coalesce(c.stop_reason, '') AS stop_reason,
       (SELECT count(*) FROM active_learning_runs r WHERE r.campaign = c.name) AS iterations,
       count(k.candidate_id) FILTER (WHERE k.status = 'ranked') AS ranked,
       count(k.candidate_id) FILTER (WHERE k.status = 'flagged') AS flagged,
       count(k.candidate_id) FILTER (WHERE k.status = 'in_validation') AS in_validation,
       count(k.candidate_id) FILTER (WHERE k.status = 'validated') AS validated,
       count(k.candidate_id) FILTER (WHERE k.status = 'rejected') AS rejected
FROM campaigns c
LEFT JOIN active_learning_runs r ON r.campaign = c.name
LEFT JOIN candidates k ON k.partition_key = r.partition_key
GROUP BY c.name
ORDER BY c.created_at, c.name;
