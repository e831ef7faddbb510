-- Uploads that ingestion has not taken, or whose raw file is to be read again.
SELECT u.upload_id
FROM uploads u
WHERE u.taken_at IS NULL
   OR EXISTS (
       SELECT FROM raw_files r
       WHERE r.source = 'uploads' AND r.url = 'uploads:' || u.upload_id AND r.parse_status = 'pending')
ORDER BY u.upload_id;
