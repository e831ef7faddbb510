-- The same model again keeps its MLflow run while none is named.
UPDATE active_learning_runs
SET model_sha256 = :model_sha256,
    mlflow_run_id = coalesce(:mlflow_run_id, CASE WHEN model_sha256 = :model_sha256 THEN mlflow_run_id END),
    metrics = metrics || CAST(:metrics AS jsonb)
WHERE partition_key = :partition_key
