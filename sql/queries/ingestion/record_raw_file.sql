-- Audit a raw file. Nothing changes when the same answer to the same request is already its slot's newest;
-- otherwise it waits to be parsed. One that could not be read waits again when its bytes were stored anew.
-- Parameters: source, url, request (JSON), sha256, size_bytes, licence, is_stored.
INSERT INTO raw_files AS known (source, url, request, sha256, size_bytes, licence)
VALUES (:source, :url, CAST(:request AS jsonb), :sha256, :size_bytes, :licence)
ON CONFLICT (source, url, sha256) DO UPDATE
SET request = excluded.request,
    licence = excluded.licence,
    fetched_at = clock_timestamp(),
    parse_status = 'pending',
    parse_note = NULL
WHERE (known.request, known.licence) IS DISTINCT FROM (excluded.request, excluded.licence)
   OR (known.parse_status = 'failed' AND :is_stored)
   OR EXISTS (
       SELECT 1 FROM raw_files newer
       WHERE newer.source = known.source
         AND newer.request ->> 'slot' = known.request ->> 'slot'
         AND (newer.fetched_at, newer.raw_file_id) > (known.fetched_at, known.raw_file_id)
   );
