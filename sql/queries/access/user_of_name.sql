-- The user of a name, however it is capitalized.
-- :name
SELECT user_id, name, role, password_hash FROM users WHERE lower(name) = lower(:name)
