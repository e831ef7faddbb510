-- Predictions of an iteration, and their materials in the order of the pool: the promoted version, or :version of it.
SELECT v.version, v.properties, v.n_draws, v.model_sha256, v.pool_sha256, v.distance_threshold,
    ARRAY(SELECT p.material_id FROM predictions p WHERE p.version = v.version ORDER BY p.material_id) AS material_ids
FROM active_learning_runs r
JOIN prediction_versions v
  ON v.version = coalesce(CAST(:version AS bigint), r.prediction_version) AND v.partition_key = r.partition_key
WHERE r.partition_key = :partition_key
