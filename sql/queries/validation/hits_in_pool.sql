-- What the validator knows about every member of a pool: to count its hits, nothing else.
SELECT material_id, property, value FROM reference_values
WHERE material_id = ANY (CAST(:material_ids AS text[])) AND method = :method
  AND property = ANY (CAST(:properties AS text[]))
ORDER BY material_id, property, source -- the last one counts, as for the validator
