-- Sign a user out everywhere.
-- :user_id
UPDATE sessions SET ended_at = now() WHERE user_id = :user_id AND ended_at IS NULL
