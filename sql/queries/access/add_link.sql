-- :sha256, :user_id, :hours
INSERT INTO sign_in_links (sha256, user_id, expires_at)
VALUES (:sha256, :user_id, now() + make_interval(hours => :hours))
