-- Raw files, the newest first. Parameters: source, status, before (a number), current (only those that no later one has replaced);
-- null does not restrict; limit.
SELECT found.*
FROM (
    SELECT raw.raw_file_id, raw.source, raw.url, raw.size_bytes, raw.licence, raw.fetched_at, raw.parse_status AS status,
        coalesce(raw.parse_note, '') AS note, raw.row_count AS n_rows,
        NOT EXISTS (
            SELECT FROM raw_files newer
            WHERE newer.source = raw.source AND newer.request ->> 'slot' = raw.request ->> 'slot'
              AND (newer.fetched_at, newer.raw_file_id) > (raw.fetched_at, raw.raw_file_id)
        ) AS is_current
    FROM raw_files raw
    WHERE (CAST(:source AS text) IS NULL OR raw.source = :source)
      AND (CAST(:status AS text) IS NULL OR raw.parse_status = :status)
      AND (CAST(:before AS bigint) IS NULL OR raw.raw_file_id < :before)
) found
WHERE CAST(:current AS boolean) IS NULL OR found.is_current = :current
ORDER BY found.raw_file_id DESC
LIMIT :limit;
