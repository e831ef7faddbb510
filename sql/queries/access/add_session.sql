-- Sign a user in; sessions that are long over are forgotten.
-- :sha256, :user_id, :seconds
WITH forgotten AS (DELETE FROM sessions WHERE expires_at < now() - interval '30 days')
INSERT INTO sessions (sha256, user_id, expires_at)
VALUES (:sha256, :user_id, now() + make_interval(secs => :seconds)) RETURNING session_id
