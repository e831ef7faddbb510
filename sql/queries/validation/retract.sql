-- Parameters: result_id, submitted_by, reason.
INSERT INTO validation_results
    (partition_key, material_id, property, method, validator, sample, batch, replicate, outcome, unit, supersedes,
     reason, submitted_by)
SELECT partition_key, material_id, property, method, validator, sample, batch, replicate, 'retracted', unit, result_id,
       :reason, :submitted_by
FROM validation_results WHERE result_id = :result_id
RETURNING result_id, partition_key
