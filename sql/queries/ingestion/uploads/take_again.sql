-- Let an upload wait again whose raw file was dropped, or whose bytes were gone; no row where nothing changes.
-- Parameters: sha256.
UPDATE uploads u
SET taken_at = NULL, problem = ''
WHERE u.sha256 = :sha256
  AND u.taken_at IS NOT NULL
  AND (u.problem <> '' OR NOT EXISTS (
        SELECT FROM raw_files r WHERE r.source = 'uploads' AND r.sha256 = u.sha256))
RETURNING upload_id;
