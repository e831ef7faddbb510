-- What is held under an idempotency key.
-- :actor, :key
SELECT fingerprint, status, headers, body FROM idempotency_keys WHERE actor = :actor AND key = :key;
