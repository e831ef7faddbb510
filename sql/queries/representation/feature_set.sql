-- The number of a backbone's features by a version of the code; no row before any was noted.
SELECT feature_set FROM feature_sets WHERE fingerprint = :fingerprint AND version = :version
