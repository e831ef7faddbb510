-- What a map of an iteration is made of: other numbers, another map.
-- :version
SELECT v.properties, v.distance_threshold, b.explained_by_two, b.feature_set, b.noted_at
FROM prediction_versions v LEFT JOIN vector_bases b ON true
WHERE v.version = :version;
