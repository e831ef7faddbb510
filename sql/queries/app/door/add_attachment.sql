-- Note a file; one that is known already stays as it is.
-- :sha256, :name, :media_type, :size_bytes, :uploaded_by
INSERT INTO attachments (sha256, name, media_type, size_bytes, uploaded_by)
VALUES (:sha256, :name, :media_type, :size_bytes, :uploaded_by)
ON CONFLICT (sha256) DO NOTHING;
