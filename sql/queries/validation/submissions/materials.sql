-- Materials by their names, whichever record stands for each.
-- Parameters: material_ids (text array).
SELECT m.material_id, m.reduced_formula, coalesce(m.same_as, m.material_id) AS stands_for
FROM materials m
WHERE m.material_id = ANY (CAST(:material_ids AS text[]))
