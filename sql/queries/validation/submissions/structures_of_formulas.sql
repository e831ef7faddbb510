-- Records of some formulas with their crystals, to compare one with.
-- Parameters: formulas (text array).
SELECT m.reduced_formula, m.material_id, m.structure_hash, m.structure_json, coalesce(m.same_as, m.material_id) AS stands_for
FROM materials m
WHERE m.reduced_formula = ANY (CAST(:formulas AS text[]))
ORDER BY m.same_as NULLS FIRST, m.material_id
