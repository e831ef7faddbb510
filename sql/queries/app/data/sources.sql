-- What came of every source, by its name.
WITH files AS (
    SELECT raw.source, count(*) AS n_files, max(raw.fetched_at) AS fetched_at,
        count(*) FILTER (WHERE raw.parse_status = 'pending') AS n_waiting,
        count(*) FILTER (WHERE raw.parse_status = 'failed' AND NOT EXISTS (
            SELECT FROM raw_files newer
            WHERE newer.source = raw.source AND newer.request ->> 'slot' = raw.request ->> 'slot'
              AND (newer.fetched_at, newer.raw_file_id) > (raw.fetched_at, raw.raw_file_id)
        )) AS n_failed,
        array_agg(DISTINCT raw.licence) AS licences
    FROM raw_files raw
    GROUP BY raw.source
), crystals AS (
    SELECT source, sum(n) AS n_records, count(*) AS n_materials
    FROM (SELECT source, material_id, count(*) AS n FROM material_sources GROUP BY source, material_id) each
    GROUP BY source
), energies AS (
    SELECT source, count(*) AS n_records FROM adsorption_energies GROUP BY source
), refusals AS (
    SELECT source, count(*) AS n FROM quarantine GROUP BY source
)
SELECT source, fetched_at, coalesce(n_files, 0) AS n_files, coalesce(n_waiting, 0) AS n_waiting,
    coalesce(n_failed, 0) AS n_failed, coalesce(licences, '{}') AS licences,
    CAST(coalesce(crystals.n_records, 0) + coalesce(energies.n_records, 0) AS bigint) AS n_records,
    coalesce(crystals.n_materials, 0) AS n_materials, coalesce(refusals.n, 0) AS n_set_aside
FROM files FULL JOIN crystals USING (source)
LEFT JOIN energies USING (source)
LEFT JOIN refusals USING (source)
ORDER BY source;
