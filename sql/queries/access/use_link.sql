-- Use a link up; of two at once one does.
-- :sha256
UPDATE sign_in_links l SET used_at = now()
FROM users u
WHERE l.sha256 = :sha256 AND l.used_at IS NULL AND l.expires_at > now() AND u.user_id = l.user_id
RETURNING u.user_id, u.name, u.role
