-- Keep an upload; no row where it is kept already.
-- Parameters: sha256, author, prototype, files (JSON), size_bytes.
INSERT INTO uploads (sha256, author, prototype, files, size_bytes)
SELECT :sha256, :author, :prototype, CAST(:files AS jsonb), :size_bytes
WHERE NOT EXISTS (SELECT FROM uploads WHERE sha256 = :sha256)
ON CONFLICT (sha256) DO NOTHING
RETURNING upload_id;
