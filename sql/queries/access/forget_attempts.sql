-- Who signed in did not fail.
-- :name, :address
DELETE FROM sign_in_attempts WHERE name = :name AND address = :address
