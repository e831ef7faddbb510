-- Every token, the newest first.
SELECT name, may, created_at, last_used_at, expires_at, revoked_at, coalesce(expires_at <= now(), false) AS is_expired
FROM api_tokens
ORDER BY token_id DESC
