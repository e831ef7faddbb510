INSERT INTO quarantine (source, record, raw_sha256, reason)
VALUES (:source, :record, :raw_sha256, :reason)
ON CONFLICT (source, raw_sha256, record, reason) DO NOTHING
