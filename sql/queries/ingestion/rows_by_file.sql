-- How many rows of each raw file are loaded as that file gave them, and how many are set aside.
SELECT
    raw.raw_file_id,
    coalesce(crystals.n, 0) + coalesce(energies.n, 0) + coalesce(systems.n, 0) AS loaded,
    coalesce(refused.n, 0) AS quarantined
FROM raw_files raw
LEFT JOIN (
    SELECT source, raw_sha256, retrieved_at, count(*) AS n FROM material_sources GROUP BY 1, 2, 3
) crystals ON (crystals.source, crystals.raw_sha256, crystals.retrieved_at) = (raw.source, raw.sha256, raw.fetched_at)
LEFT JOIN (
    SELECT source, raw_sha256, retrieved_at, count(*) AS n FROM adsorption_energies GROUP BY 1, 2, 3
) energies ON (energies.source, energies.raw_sha256, energies.retrieved_at) = (raw.source, raw.sha256, raw.fetched_at)
LEFT JOIN (
    SELECT source, raw_sha256, retrieved_at, count(*) AS n FROM adsorption_systems GROUP BY 1, 2, 3
) systems ON (systems.source, systems.raw_sha256, systems.retrieved_at) = (raw.source, raw.sha256, raw.fetched_at)
LEFT JOIN (
    SELECT source, raw_sha256, count(DISTINCT record) AS n FROM quarantine GROUP BY 1, 2
) refused ON (refused.source, refused.raw_sha256) = (raw.source, raw.sha256);
