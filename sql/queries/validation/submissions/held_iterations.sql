-- The iterations under which results stand already, of results whose rows do not say for which.
-- Parameters: rows (JSON array of identities without iteration, each with its place), validator.
SELECT asked.place, min(v.partition_key) AS partition_key, bool_or(v.partition_key IS NULL) AS is_nobodys
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS asked (
    place integer, material_id text, property text, method text, sample text, batch text, replicate integer)
CROSS JOIN LATERAL (
    SELECT h.partition_key FROM validation_results h
    WHERE h.material_id = asked.material_id AND h.method = asked.method AND h.validator = :validator
      AND h.property IS NOT DISTINCT FROM asked.property
      AND h.sample = asked.sample AND h.batch = asked.batch AND h.replicate = asked.replicate
      -- Nearly all results supersede none, which the statistics of a small ledger do not say of a large one.
      AND coalesce(h.supersedes, 0) = 0
    OFFSET 0
) v
GROUP BY asked.place
