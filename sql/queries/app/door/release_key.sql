-- Give an idempotency key back whose request changed nothing.
-- :actor, :key
DELETE FROM idempotency_keys WHERE actor = :actor AND key = :key AND status IS NULL;
