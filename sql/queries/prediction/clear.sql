DELETE FROM predictions WHERE version = :version AND material_id = ANY (CAST(:material_ids AS text[]))
