-- What the measures of cost are taken from.
SELECT material_id, n_sites FROM materials WHERE material_id = ANY (CAST(:material_ids AS text[]))
