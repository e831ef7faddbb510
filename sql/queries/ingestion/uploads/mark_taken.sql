-- Note that ingestion has an upload, with where its candidates stand, or why it has not.
-- Parameters: upload_id, places (text array), problem.
UPDATE uploads
SET taken_at = coalesce(taken_at, now()), places = CAST(:places AS text[]), problem = :problem
WHERE upload_id = :upload_id;
