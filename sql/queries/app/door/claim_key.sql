-- Take an idempotency key, or one whose request was never answered and is older than a minute. The row that is held then.
-- :actor, :key, :fingerprint
WITH forgotten AS (
    DELETE FROM idempotency_keys WHERE claimed_at < now() - interval '7 days'
), claimed AS (
    INSERT INTO idempotency_keys AS held (actor, key, fingerprint) VALUES (:actor, :key, :fingerprint)
    ON CONFLICT (actor, key) DO UPDATE SET claimed_at = now()
    WHERE held.status IS NULL AND held.fingerprint = :fingerprint AND held.claimed_at < now() - interval '1 minute'
    RETURNING fingerprint
)
SELECT true AS is_claimed, fingerprint, CAST(NULL AS integer) AS status, CAST(NULL AS jsonb) AS headers,
       CAST(NULL AS bytea) AS body
FROM claimed
UNION ALL
SELECT false, fingerprint, status, headers, body FROM idempotency_keys
WHERE actor = :actor AND key = :key AND NOT EXISTS (SELECT 1 FROM claimed);
