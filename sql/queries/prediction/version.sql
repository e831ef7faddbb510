SELECT version, partition_key, model_sha256, pool_sha256, properties, n_draws, status
FROM prediction_versions WHERE version = :version
