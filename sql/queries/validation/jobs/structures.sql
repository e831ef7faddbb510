SELECT material_id, structure_hash, structure_json, reduced_formula FROM materials
WHERE material_id = ANY (CAST(:material_ids AS text[]))
