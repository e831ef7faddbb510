-- :user_id, :role
UPDATE users SET role = :role WHERE user_id = :user_id
