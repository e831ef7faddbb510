-- Whether the components of a set of features are as of its structures; no row where nothing was noted of the set.
-- Parameters: fingerprint, version.
SELECT f.feature_set, f.noted_at, b.n_fitted, b.projection, b.noted_at IS NOT DISTINCT FROM f.noted_at AS is_settled
FROM feature_sets f LEFT JOIN vector_bases b USING (feature_set)
WHERE f.fingerprint = :fingerprint AND f.version = :version;
