-- Parameters: feature_set, n_fitted, explained, projection (bytes), noted_at.
INSERT INTO vector_bases (feature_set, n_fitted, explained, projection, noted_at)
VALUES (:feature_set, :n_fitted, :explained, :projection, :noted_at);
