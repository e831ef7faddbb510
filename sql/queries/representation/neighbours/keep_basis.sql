-- Parameters: feature_set, n_fitted, explained, explained_by_two, projection (bytes), noted_at.
INSERT INTO vector_bases (feature_set, n_fitted, explained, explained_by_two, projection, noted_at)
VALUES (:feature_set, :n_fitted, :explained, :explained_by_two, :projection, :noted_at);
