-- Uploads, the newest first: how far each is, and how many candidates it has.
-- Parameters: upload_id, author, before (a number); null does not restrict; limit.
SELECT u.upload_id, u.author, u.uploaded_at, u.prototype, u.files, cardinality(u.places) AS n_candidates,
    coalesce(nullif(u.problem, ''), CASE WHEN r.parse_status = 'failed' THEN r.parse_note END) AS problem,
    CASE
        WHEN u.problem <> '' OR r.parse_status = 'failed' THEN 'failed'
        WHEN u.taken_at IS NULL OR r.parse_status = 'pending' THEN 'waiting'
        WHEN r.raw_file_id IS NULL THEN 'dropped'
        ELSE 'taken'
    END AS status
FROM uploads u
LEFT JOIN raw_files r ON r.source = 'uploads' AND r.url = 'uploads:' || u.upload_id AND r.sha256 = u.sha256
WHERE (CAST(:upload_id AS bigint) IS NULL OR u.upload_id = :upload_id)
  AND (CAST(:author AS text) IS NULL OR u.author = :author)
  AND (CAST(:before AS bigint) IS NULL OR u.upload_id < :before)
ORDER BY u.upload_id DESC
LIMIT :limit;
