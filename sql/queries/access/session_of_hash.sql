-- A session that still holds, and whose it is.
-- :sha256
SELECT s.session_id, s.expires_at, u.name, u.role, s.last_seen_at < now() - interval '1 minute' AS is_to_note
FROM sessions s JOIN users u USING (user_id)
WHERE s.sha256 = :sha256 AND s.ended_at IS NULL AND s.expires_at > now()
