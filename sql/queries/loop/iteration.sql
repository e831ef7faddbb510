SELECT partition_key, campaign, iteration, parent, campaign_sha256, document, status, label_count, label_sha256,
       training_set_sha256, model_sha256, mlflow_run_id, prediction_version, metrics, opened_at, closed_at, pool_sha256
FROM active_learning_runs WHERE partition_key = :partition_key
