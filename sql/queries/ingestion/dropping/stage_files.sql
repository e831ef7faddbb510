-- The raw files that are dropped, and whether what they gave is theirs alone: the same bytes may stay under another
-- address of the same source.
-- Parameters: raw_file_ids (bigint array).
CREATE TEMPORARY TABLE dropped_files ON COMMIT DROP AS
SELECT
    raw.raw_file_id, raw.source, raw.url, raw.sha256, raw.fetched_at, raw.request ->> 'slot' AS slot,
    NOT EXISTS (
        SELECT 1 FROM raw_files other
        WHERE other.source = raw.source AND other.sha256 = raw.sha256
          AND other.raw_file_id <> ALL (CAST(:raw_file_ids AS bigint[]))
    ) AS is_alone
FROM raw_files raw
WHERE raw.raw_file_id = ANY (CAST(:raw_file_ids AS bigint[]));
