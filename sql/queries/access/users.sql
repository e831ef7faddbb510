-- Every user, by name.
SELECT u.name, u.role, u.password_hash IS NOT NULL AS has_password, u.created_at,
    (SELECT max(last_seen_at) FROM sessions s WHERE s.user_id = u.user_id) AS last_seen_at,
    (SELECT count(*) FROM sessions s WHERE s.user_id = u.user_id AND ended_at IS NULL AND expires_at > now()) AS sessions
FROM users u
ORDER BY lower(u.name)
