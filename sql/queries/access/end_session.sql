-- :sha256
UPDATE sessions SET ended_at = now() WHERE sha256 = :sha256 AND ended_at IS NULL
