-- The results of an iteration as they stand: neither corrected nor retracted.
SELECT v.result_id, v.material_id, v.property, v.method, v.outcome, v.value, v.unit, v.standard_deviation, v.note,
       v.validator
FROM validation_results v
WHERE v.partition_key = :partition_key AND v.outcome <> 'retracted'
  AND NOT EXISTS (SELECT 1 FROM validation_results s WHERE s.supersedes = v.result_id)
ORDER BY v.material_id, v.property, v.result_id
