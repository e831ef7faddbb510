SELECT r.partition_key, r.iteration, r.parent, r.status, r.label_count, r.label_sha256, r.campaign_sha256,
       r.training_set_sha256, r.model_sha256, r.mlflow_run_id, r.prediction_version, r.metrics,
       r.opened_at, r.closed_at, coalesce(max(k.batch_size), 0) AS batch_size,
       max(k.ranking_sha256) AS ranking_sha256,
       count(c.candidate_id) AS n_candidates,
       count(c.candidate_id) FILTER (WHERE c.status = 'ranked') AS n_ranked,
       count(c.candidate_id) FILTER (WHERE c.status IN ('flagged', 'in_validation')) AS n_pending,
       count(c.candidate_id) FILTER (WHERE c.status = 'flagged') AS n_flagged,
       count(c.candidate_id) FILTER (WHERE c.status = 'in_validation') AS n_in_validation,
       count(c.candidate_id) FILTER (WHERE c.answered) AS n_answered,
       count(c.candidate_id) FILTER (WHERE c.status = 'rejected' AND NOT c.answered) AS n_declined,
       max(k.created_at) AS ranked_at
FROM active_learning_runs r
LEFT JOIN rankings k ON k.partition_key = r.partition_key
LEFT JOIN LATERAL (
    SELECT k.candidate_id, k.status,
        k.status = 'validated' OR k.rejection_kind = 'poor' OR EXISTS (
            SELECT 1 FROM effective_results v
            WHERE v.partition_key = k.partition_key AND v.material_id = k.material_id) AS answered
    FROM candidates k
    WHERE k.partition_key = r.partition_key
) c ON true
WHERE r.campaign = :campaign
GROUP BY r.partition_key
ORDER BY r.iteration
