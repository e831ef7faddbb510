-- :name, :role, :password_hash (null for none)
INSERT INTO users (name, role, password_hash) VALUES (:name, :role, :password_hash) RETURNING user_id
