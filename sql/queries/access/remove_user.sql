-- Sessions and links go with the user.
-- :user_id
DELETE FROM users WHERE user_id = :user_id
