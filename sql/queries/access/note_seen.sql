-- To the minute: not every request writes.
-- :session_id
UPDATE sessions SET last_seen_at = now() WHERE session_id = :session_id
