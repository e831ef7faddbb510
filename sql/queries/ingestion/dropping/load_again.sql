-- Let files wait to be parsed again that have become the newest of their slot, or have rows that a dropped file had said
-- anew.
WITH newest AS (
    SELECT DISTINCT ON (source, request ->> 'slot') raw_file_id, source, request ->> 'slot' AS slot, sha256, fetched_at, row_count
    FROM raw_files
    WHERE source IN (SELECT source FROM dropped_files)
    ORDER BY source, request ->> 'slot', fetched_at DESC, raw_file_id DESC
),
counted AS (
    SELECT
        newest.*,
        (SELECT count(*) FROM material_sources kept
         WHERE (kept.source, kept.raw_sha256, kept.retrieved_at) = (newest.source, newest.sha256, newest.fetched_at))
        + (SELECT count(*) FROM adsorption_energies kept
           WHERE (kept.source, kept.raw_sha256, kept.retrieved_at) = (newest.source, newest.sha256, newest.fetched_at))
        + (SELECT count(*) FROM adsorption_systems kept
           WHERE (kept.source, kept.raw_sha256, kept.retrieved_at) = (newest.source, newest.sha256, newest.fetched_at))
        + (SELECT count(DISTINCT record) FROM quarantine held
           WHERE (held.source, held.raw_sha256) = (newest.source, newest.sha256)) AS accounted
    FROM newest
)
UPDATE raw_files again
SET parse_status = 'pending', parse_note = NULL
FROM counted
WHERE again.raw_file_id = counted.raw_file_id
  AND again.parse_status = 'parsed'
  AND (
      EXISTS (SELECT 1 FROM dropped_files gone WHERE (gone.source, gone.slot) = (counted.source, counted.slot))
      OR (
          counted.accounted IS DISTINCT FROM counted.row_count
          AND counted.fetched_at < (SELECT max(fetched_at) FROM dropped_files gone WHERE gone.source = counted.source)
      )
  );
