INSERT INTO structure_features (feature_set, structure_hash)
SELECT :feature_set, hashed FROM unnest(CAST(:structure_hashes AS text[])) AS hashed
ON CONFLICT DO NOTHING
