-- The token of a hash, whatever became of it.
SELECT token_id, name, sha256, may, expires_at, revoked_at, coalesce(expires_at <= now(), false) AS is_expired
FROM api_tokens
WHERE sha256 = :sha256
