-- Parameters: raw_file_id.
SELECT raw_file_id, source, url, request, sha256, size_bytes, licence, fetched_at, parse_status, parse_note, row_count
FROM raw_files
WHERE raw_file_id = :raw_file_id;
