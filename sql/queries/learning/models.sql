-- The iterations that have a model, in order, of one campaign or (null) of all.
SELECT partition_key, campaign, iteration, label_count, model_sha256, metrics
FROM active_learning_runs
WHERE model_sha256 IS NOT NULL AND (CAST(:campaign AS text) IS NULL OR campaign = :campaign)
ORDER BY campaign, iteration
