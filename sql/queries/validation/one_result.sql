SELECT v.result_id, v.partition_key, v.material_id, v.property, v.method, v.outcome, v.value, v.unit, v.sample,
       v.supersedes, s.result_id AS superseded_by, s.outcome AS superseded_as
FROM validation_results v
LEFT JOIN validation_results s ON s.supersedes = v.result_id
WHERE v.result_id = :result_id
