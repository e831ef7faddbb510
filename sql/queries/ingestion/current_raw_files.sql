-- The newest file of every source and slot.
SELECT DISTINCT ON (source, request ->> 'slot')
    raw_file_id, source, url, request, sha256, size_bytes, licence, fetched_at, parse_status, parse_note, row_count
FROM raw_files
ORDER BY source, request ->> 'slot', fetched_at DESC, raw_file_id DESC;
