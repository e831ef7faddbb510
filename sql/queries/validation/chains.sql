-- What the ledger holds of the same results: each row with the place of the one that it is the same as, oldest first.
-- Parameters: rows (JSON array of identities, each with its place).
SELECT asked.place, v.result_id, v.outcome, v.value, v.unit, v.standard_deviation, v.conditions, v.synthesis, v.operator,
       v.measured_on, v.attachment, v.note, v.supersedes, v.reason
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS asked (
    place integer, partition_key text, material_id text, property text, method text, validator text, sample text,
    batch text, replicate integer)
JOIN validation_results v
  ON v.material_id = asked.material_id AND v.method = asked.method AND v.validator = asked.validator
 AND v.partition_key IS NOT DISTINCT FROM asked.partition_key AND v.property IS NOT DISTINCT FROM asked.property
 AND v.sample = asked.sample AND v.batch = asked.batch AND v.replicate = asked.replicate
ORDER BY asked.place, v.result_id
