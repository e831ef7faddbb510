-- What models predicted of a material, the newest first.
-- :material_id
SELECT r.campaign, r.iteration, v.status = 'current' AS is_current, v.created_at AS predicted_at, v.model_sha256,
       m.model_version, p.distance, p.distance > v.distance_threshold AS out_of_distribution, v.properties, p.mean, p.std
FROM prediction_versions v
JOIN active_learning_runs r USING (partition_key)
JOIN LATERAL (
    SELECT p.distance, p.mean, p.std FROM predictions p
    WHERE p.version = v.version AND p.material_id = :material_id
    LIMIT 1 -- looks up one row of one partition instead of scanning them all
) p ON true
LEFT JOIN predicting_versions m ON m.partition_key = v.partition_key AND m.model_sha256 = v.model_sha256
WHERE v.status <> 'staging'
ORDER BY v.created_at DESC, v.version DESC
