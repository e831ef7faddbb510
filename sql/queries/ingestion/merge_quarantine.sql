-- Keep what a shard refused, once.
-- Parameters: source, raw_sha256.
INSERT INTO quarantine AS held (source, record, raw_sha256, reason, payload)
SELECT :source, record, :raw_sha256, reason, payload
FROM staged_quarantine
ORDER BY record
ON CONFLICT (source, raw_sha256, record, reason) DO UPDATE
SET payload = excluded.payload
WHERE held.payload IS DISTINCT FROM excluded.payload;
