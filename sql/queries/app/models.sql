-- The registered versions of a campaign's model, the newest first. What the iteration recorded is told of its present model.
-- :campaign
SELECT
    m.model_version AS version,
    m.model_name || '@' || m.model_version AS name,
    coalesce(m.model_version = c.model_version, false) AS is_champion,
    r.iteration,
    r.partition_key,
    m.registered_at,
    m.model_sha256,
    r.label_count,
    r.label_sha256,
    CASE WHEN is_present THEN r.training_set_sha256 END AS training_set_sha256,
    CASE WHEN is_present THEN r.metrics ELSE '{}' END AS metrics,
    CASE WHEN is_present THEN r.mlflow_run_id END AS mlflow_run_id,
    coalesce(p.reason, '') AS predicts
FROM registered_models m
JOIN active_learning_runs r USING (partition_key)
CROSS JOIN LATERAL (SELECT r.model_sha256 IS NOT DISTINCT FROM m.model_sha256 AS is_present) present
LEFT JOIN champions c ON c.model_name = m.model_name
LEFT JOIN predictors p ON p.partition_key = m.partition_key AND p.own_sha256 = m.model_sha256
WHERE m.model_name = :campaign
ORDER BY m.model_version DESC
