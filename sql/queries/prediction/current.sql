-- The promoted predictions of an iteration, in the order of the pool.
SELECT p.material_id, p.mean, p.std, p.draws, p.distance,
    v.version, v.properties, v.n_draws, v.model_sha256, v.pool_sha256, v.distance_threshold
FROM active_learning_runs r
JOIN prediction_versions v ON v.version = r.prediction_version
JOIN predictions p ON p.version = v.version
WHERE r.partition_key = :partition_key
ORDER BY p.material_id
