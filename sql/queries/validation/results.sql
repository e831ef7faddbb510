SELECT v.material_id, v.property, v.method, v.outcome, v.value, v.unit, v.note, v.validator
FROM validation_results v WHERE v.partition_key = :partition_key ORDER BY v.material_id, v.property
