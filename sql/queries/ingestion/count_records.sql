-- What became of the records of one raw file that later files may have said anew.
-- Parameters: source, raw_sha256, retrieved_at, places and records (arrays of equal length).
SELECT
    count(*) FILTER (WHERE is_loaded) AS loaded,
    count(*) FILTER (WHERE is_quarantined AND NOT is_loaded) AS quarantined
FROM (
    SELECT
        EXISTS (
            SELECT 1 FROM material_sources origin
            WHERE origin.source = :source
              AND origin.source_id = named.record
              AND origin.retrieved_at >= CAST(:retrieved_at AS timestamptz)
        ) AS is_loaded,
        EXISTS (
            SELECT 1 FROM quarantine held
            WHERE held.source = :source AND held.raw_sha256 = :raw_sha256 AND held.record = named.place
        ) AS is_quarantined
    FROM unnest(CAST(:places AS text[]), CAST(:records AS text[])) AS named (place, record)
) every_record;
