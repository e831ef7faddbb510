SELECT material_id, reduced_formula FROM materials WHERE material_id = ANY (CAST(:material_ids AS text[]))
