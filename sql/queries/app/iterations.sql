-- The iterations of a campaign in order, with how their candidates stand.
-- :campaign  its name
SELECT
    r.partition_key,
    r.iteration,
    r.status,
    r.opened_at,
    r.closed_at,
    r.label_count,
    r.metrics,
    r.model_sha256,
    registered.model_version,
    r.mlflow_run_id,
    k.strategy,
    k.exploration_weight,
    coalesce(counted.candidates, '{}') AS candidates
FROM active_learning_runs r
LEFT JOIN rankings k USING (partition_key)
LEFT JOIN registered_models registered
       ON registered.partition_key = r.partition_key AND registered.model_sha256 = r.model_sha256
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(by_status.status, by_status.n) AS candidates
    FROM (SELECT status, sum(n) AS n FROM candidate_counts WHERE campaign = r.campaign AND iteration = r.iteration
          GROUP BY status HAVING sum(n) > 0) by_status
) counted ON true
WHERE r.campaign = :campaign
ORDER BY r.iteration;
