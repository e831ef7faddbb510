-- To the minute: not every request writes.
UPDATE api_tokens SET last_used_at = now()
WHERE token_id = :token_id AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
