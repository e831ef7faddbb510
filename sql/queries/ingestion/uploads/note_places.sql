-- Note where the candidates of an upload stand that ingestion has now; or why it has not, which ends it.
-- Parameters: upload_id, places (text array), problem.
UPDATE uploads
SET places = CAST(:places AS text[]), problem = :problem,
    taken_at = CASE WHEN :problem <> '' THEN coalesce(taken_at, now()) ELSE taken_at END
WHERE upload_id = :upload_id;
