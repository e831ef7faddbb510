-- Note that structures of a set come or go; return its number.
INSERT INTO feature_sets AS known (fingerprint, version) VALUES (:fingerprint, :version)
ON CONFLICT (fingerprint, version) DO UPDATE SET noted_at = clock_timestamp()
RETURNING feature_set
