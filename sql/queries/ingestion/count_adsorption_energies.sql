-- What became of the energies that one raw file names; a later file may have said them anew.
-- Parameters: source, raw_sha256, retrieved_at, places, systems and frames (arrays of equal length).
SELECT
    count(*) FILTER (WHERE is_loaded) AS loaded,
    count(*) FILTER (WHERE is_quarantined AND NOT is_loaded) AS quarantined
FROM (
    SELECT
        EXISTS (
            SELECT 1 FROM adsorption_energies known
            WHERE known.source = :source
              AND known.system_id = named.system_id
              AND known.frame = named.frame
              AND known.retrieved_at >= CAST(:retrieved_at AS timestamptz)
        ) AS is_loaded,
        EXISTS (
            SELECT 1 FROM quarantine held
            WHERE held.source = :source AND held.raw_sha256 = :raw_sha256 AND held.record = named.place
        ) AS is_quarantined
    FROM unnest(CAST(:places AS text[]), CAST(:systems AS text[]), CAST(:frames AS integer[]))
        AS named (place, system_id, frame)
) every_energy;
