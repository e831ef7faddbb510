-- Take an idempotency key, or one whose request was never answered and is older than a minute. No row where it is held.
-- :actor, :key, :fingerprint
WITH forgotten AS (
    DELETE FROM idempotency_keys WHERE claimed_at < now() - interval '7 days'
)
INSERT INTO idempotency_keys AS held (actor, key, fingerprint) VALUES (:actor, :key, :fingerprint)
ON CONFLICT (actor, key) DO UPDATE SET claimed_at = now()
WHERE held.status IS NULL AND held.fingerprint = :fingerprint AND held.claimed_at < now() - interval '1 minute'
RETURNING key;
