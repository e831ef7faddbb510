SELECT r.partition_key, r.iteration, r.parent, r.status, r.label_count, r.label_sha256, r.campaign_sha256,
       r.training_set_sha256, r.model_sha256, r.mlflow_run_id, r.prediction_version, r.metrics,
       r.opened_at, r.closed_at, coalesce(max(k.batch_size), 0) AS batch_size,
       max(k.ranking_sha256) AS ranking_sha256,
       count(c.candidate_id) AS n_candidates,
       count(c.candidate_id) FILTER (WHERE c.status = 'ranked') AS n_ranked,
       count(c.candidate_id) FILTER (WHERE c.status IN ('flagged', 'in_validation')) AS n_pending,
       count(c.candidate_id) FILTER (WHERE EXISTS (
           SELECT 1 FROM validation_results v
           WHERE v.partition_key = c.partition_key AND v.material_id = c.material_id)) AS n_answered,
       count(c.candidate_id) FILTER (WHERE c.status = 'rejected' AND NOT EXISTS (
           SELECT 1 FROM validation_results v
           WHERE v.partition_key = c.partition_key AND v.material_id = c.material_id)) AS n_declined
FROM active_learning_runs r
LEFT JOIN rankings k ON k.partition_key = r.partition_key
LEFT JOIN candidates c ON c.partition_key = r.partition_key
WHERE r.campaign = :campaign
GROUP BY r.partition_key
ORDER BY r.iteration
