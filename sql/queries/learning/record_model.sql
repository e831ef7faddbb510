UPDATE active_learning_runs
SET model_sha256 = :model_sha256, mlflow_run_id = :mlflow_run_id, metrics = metrics || CAST(:metrics AS jsonb)
WHERE partition_key = :partition_key
