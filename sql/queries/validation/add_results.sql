-- Parameters: rows (JSON array, in order), submission_id, submitted_by.
INSERT INTO validation_results
    (partition_key, material_id, property, method, validator, sample, batch, replicate, outcome, value, unit,
     standard_deviation, conditions, synthesis, operator, measured_on, attachment, note, supersedes, reason,
     submission_id, submitted_by)
SELECT partition_key, material_id, property, method, validator, sample, batch, replicate, outcome, value, unit,
       standard_deviation, conditions, synthesis, operator, measured_on, attachment, note, supersedes, reason,
       CAST(:submission_id AS bigint), :submitted_by
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS submitted (
    place integer, partition_key text, material_id text, property text, method text, validator text, sample text,
    batch text, replicate integer, outcome text, value double precision, unit text,
    standard_deviation double precision, conditions jsonb, synthesis text, operator text, measured_on date,
    attachment text, note text, supersedes bigint, reason text)
ORDER BY place
RETURNING result_id
