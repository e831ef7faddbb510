SELECT k.partition_key, k.prediction_version, k.strategy, k.exploration_weight, k.batch_size, k.seed,
       k.label_sha256, k.features_sha256, k.ranking_sha256, k.history, k.code_version, k.created_at,
       v.model_sha256, v.pool_sha256, registered.model_version
FROM rankings k
JOIN prediction_versions v ON v.version = k.prediction_version
LEFT JOIN predicting_versions registered
       ON registered.partition_key = v.partition_key AND registered.model_sha256 = v.model_sha256
WHERE k.partition_key = :partition_key
