-- Sources of which some raw files gave no record that stands, only rows that are set aside; and how many.
-- Parameters: raw_sha256s (text array).
WITH files AS (SELECT unnest(CAST(:raw_sha256s AS text[])) AS raw_sha256)
SELECT refused.source, count(DISTINCT refused.record) AS n_rows
FROM quarantine refused
JOIN files USING (raw_sha256)
GROUP BY refused.source
HAVING NOT EXISTS (
    SELECT FROM material_sources given JOIN files USING (raw_sha256) WHERE given.source = refused.source
) AND NOT EXISTS (
    SELECT FROM adsorption_energies given JOIN files USING (raw_sha256) WHERE given.source = refused.source
) AND NOT EXISTS (
    SELECT FROM adsorption_systems given JOIN files USING (raw_sha256) WHERE given.source = refused.source
)
ORDER BY refused.source;
