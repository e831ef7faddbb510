-- What the measures of cost are taken from; compositions without a cell all cost the same.
SELECT material_id, coalesce(n_sites, 1) AS n_sites FROM materials WHERE material_id = ANY (CAST(:material_ids AS text[]))
