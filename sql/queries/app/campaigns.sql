-- Every campaign, the newest first, or the one of that name.
-- :name  a campaign, or null for all
SELECT
    c.name,
    coalesce(c.document ->> 'description', '') AS description,
    c.document,
    c.sha256,
    c.status,
    c.stop_reason,
    c.created_at,
    c.finished_at,
    (SELECT count(*) FROM active_learning_runs r WHERE r.campaign = c.name AND r.status <> 'abandoned')
        AS iterations,
    (SELECT coalesce(jsonb_object_agg(counted.status, counted.n), '{}')
     FROM (SELECT k.status, sum(k.n) AS n FROM candidate_counts k WHERE k.campaign = c.name
           GROUP BY k.status HAVING sum(k.n) > 0) counted) AS candidates
FROM campaigns c
WHERE CAST(:name AS text) IS NULL OR c.name = :name
ORDER BY c.created_at DESC, c.name;
