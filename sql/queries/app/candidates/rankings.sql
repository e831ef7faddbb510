-- What each of some iterations was ranked by and for, and the version that is the campaign's champion now.
-- :partition_keys
SELECT r.partition_key, r.document, v.properties, v.n_draws, v.version AS prediction_version, v.distance_threshold AS threshold, m.model_version,
       champion.model_version AS champion_version, m.model_version < champion.model_version AS stale
FROM active_learning_runs r
LEFT JOIN rankings g USING (partition_key)
LEFT JOIN prediction_versions v ON v.version = g.prediction_version
LEFT JOIN predicting_versions m ON m.partition_key = v.partition_key AND m.model_sha256 = v.model_sha256
LEFT JOIN champions champion ON champion.model_name = r.campaign
WHERE r.partition_key = ANY (CAST(:partition_keys AS text[]))
