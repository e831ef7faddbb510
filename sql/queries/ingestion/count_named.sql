-- What became of the records that one raw file names; a later file may have said them anew.
-- Parameters: source, raw_sha256, retrieved_at, kind (materials, energies or systems); places, records and frames (arrays
-- of equal length; a frame counts for energies only).
SELECT
    count(*) FILTER (WHERE is_loaded) AS loaded,
    count(*) FILTER (WHERE is_quarantined AND NOT is_loaded) AS quarantined
FROM (
    SELECT
        CASE :kind
            WHEN 'materials' THEN EXISTS (
                SELECT 1 FROM material_sources known
                WHERE known.source = :source
                  AND known.source_id = named.record
                  AND known.retrieved_at >= CAST(:retrieved_at AS timestamptz)
            )
            WHEN 'energies' THEN EXISTS (
                SELECT 1 FROM adsorption_energies known
                WHERE known.source = :source
                  AND known.system_id = named.record
                  AND known.frame = named.frame
                  AND known.retrieved_at >= CAST(:retrieved_at AS timestamptz)
            )
            ELSE EXISTS (
                SELECT 1 FROM adsorption_systems known
                WHERE known.source = :source
                  AND known.system_id = named.record
                  AND known.retrieved_at >= CAST(:retrieved_at AS timestamptz)
            )
        END AS is_loaded,
        EXISTS (
            SELECT 1 FROM quarantine held
            WHERE held.source = :source AND held.raw_sha256 = :raw_sha256 AND held.record = named.place
        ) AS is_quarantined
    FROM unnest(CAST(:places AS text[]), CAST(:records AS text[]), CAST(:frames AS integer[]))
        AS named (place, record, frame)
) every_record;
