INSERT INTO quarantine (source, record, raw_sha256, reason, payload)
VALUES (:source, :record, :raw_sha256, :reason, CAST(:payload AS jsonb))
ON CONFLICT (source, raw_sha256, record, reason) DO NOTHING
