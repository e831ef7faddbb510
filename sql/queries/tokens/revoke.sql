-- The token of a name that was not revoked yet.
UPDATE api_tokens SET revoked_at = now() WHERE name = :name AND revoked_at IS NULL
