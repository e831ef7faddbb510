SELECT material_id, property, value, unit, source
FROM reference_values
WHERE material_id = ANY (CAST(:material_ids AS text[])) AND property = ANY (CAST(:properties AS text[]))
  AND method = :method
ORDER BY material_id, property, source
