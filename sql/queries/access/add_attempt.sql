-- Note an attempt before the password is looked at, so that many at once count; old ones are forgotten.
-- :name, :address
WITH forgotten AS (DELETE FROM sign_in_attempts WHERE at < now() - interval '1 day')
INSERT INTO sign_in_attempts (name, address) VALUES (:name, :address) RETURNING attempt_id
