-- Structures that have features, and whether they have components of them.
-- Parameters: feature_set.
SELECT f.structure_hash, v.structure_hash IS NOT NULL AS has_components
FROM structure_features f
LEFT JOIN structure_vectors v ON v.structure_hash = f.structure_hash AND v.feature_set = f.feature_set
WHERE f.feature_set = :feature_set
ORDER BY f.structure_hash;
