-- The iterations under which results stand already, of results whose rows do not say for which.
-- Parameters: rows (JSON array of identities without iteration, each with its place), validator.
SELECT asked.place, min(v.partition_key) AS partition_key, bool_or(v.partition_key IS NULL) AS is_nobodys
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS asked (
    place integer, material_id text, property text, method text, sample text, batch text, replicate integer)
JOIN validation_results v
  ON v.material_id = asked.material_id AND v.method = asked.method AND v.validator = :validator
 AND v.property IS NOT DISTINCT FROM asked.property
 AND v.sample = asked.sample AND v.batch = asked.batch AND v.replicate = asked.replicate AND v.supersedes IS NULL
GROUP BY asked.place
