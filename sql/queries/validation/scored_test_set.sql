-- What an iteration predicted for its campaign's test set beside the truth.
-- Run as catalyst_validator. Parameters: partition_key, campaign, method.
SELECT DISTINCT ON (t.material_id, a.property)
       t.material_id, a.property, a.value, p.mean[place.ordinal] AS predicted_mean
FROM active_learning_runs r
JOIN prediction_versions v ON v.version = r.prediction_version
CROSS JOIN LATERAL unnest(v.properties) WITH ORDINALITY AS place (property, ordinal)
JOIN campaign_test_set t ON t.campaign = :campaign
JOIN predictions p ON p.version = v.version AND p.material_id = t.material_id
JOIN reference_values a
  ON a.material_id = t.material_id AND a.property = place.property AND a.method = :method
WHERE r.partition_key = :partition_key
ORDER BY t.material_id, a.property, a.source
