-- Keep what a request with an idempotency key was answered.
-- :actor, :key, :status, :headers (JSON), :body
UPDATE idempotency_keys SET status = :status, headers = CAST(:headers AS jsonb), body = :body
WHERE actor = :actor AND key = :key;
