-- Raw files, the newest last, and whether each is the newest of its source and slot.
-- Parameters: source (all if empty), since (all if null).
SELECT
    raw.raw_file_id, raw.source, raw.url, raw.fetched_at, raw.parse_status, raw.parse_note, raw.row_count, raw.size_bytes,
    NOT EXISTS (
        SELECT 1 FROM raw_files newer
        WHERE newer.source = raw.source AND newer.request ->> 'slot' = raw.request ->> 'slot'
          AND (newer.fetched_at, newer.raw_file_id) > (raw.fetched_at, raw.raw_file_id)
    ) AS is_current
FROM raw_files raw
WHERE (:source = '' OR raw.source = :source)
  AND (CAST(:since AS timestamptz) IS NULL OR raw.fetched_at >= CAST(:since AS timestamptz))
ORDER BY raw.fetched_at, raw.raw_file_id;
