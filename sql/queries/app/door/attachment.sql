-- What is known of a file; no row where there is none.
-- :sha256
SELECT sha256, name, media_type, size_bytes, uploaded_by, uploaded_at FROM attachments WHERE sha256 = :sha256;
