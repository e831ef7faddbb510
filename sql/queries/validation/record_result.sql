INSERT INTO validation_results
    (partition_key, material_id, property, method, outcome, value, unit, note, validator)
VALUES (:partition_key, :material_id, :property, :method, :outcome, :value, :unit, :note, :validator)
ON CONFLICT (partition_key, material_id, property, method) DO UPDATE SET
    outcome = excluded.outcome, value = excluded.value, unit = excluded.unit, note = excluded.note,
    validator = excluded.validator
WHERE (validation_results.outcome, validation_results.value, validation_results.note)
      IS DISTINCT FROM (excluded.outcome, excluded.value, excluded.note)
