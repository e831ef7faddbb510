-- The token of a hash, whatever became of it.
SELECT token_id, name, sha256, may, expires_at, revoked_at, coalesce(expires_at <= now(), false) AS is_expired,
       last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS is_to_note
FROM api_tokens
WHERE sha256 = :sha256
