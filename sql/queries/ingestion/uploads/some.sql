-- Parameters: upload_ids (bigint array).
SELECT upload_id, sha256 FROM uploads WHERE upload_id = ANY (CAST(:upload_ids AS bigint[])) ORDER BY upload_id;
