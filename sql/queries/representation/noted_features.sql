SELECT structure_hash FROM structure_features WHERE feature_set = :feature_set
