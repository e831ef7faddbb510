DELETE FROM structure_features
WHERE feature_set = :feature_set AND structure_hash = ANY (CAST(:structure_hashes AS text[]))
