-- What became of a link.
-- :sha256
SELECT used_at IS NOT NULL AS is_used FROM sign_in_links WHERE sha256 = :sha256
