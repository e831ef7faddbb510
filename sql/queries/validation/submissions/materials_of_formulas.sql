-- The materials of some formulas that stand, those of a campaign's pool that it may still suggest among them.
-- Parameters: formulas (text array).
SELECT m.reduced_formula, m.material_id
FROM materials m
WHERE m.reduced_formula = ANY (CAST(:formulas AS text[])) AND m.same_as IS NULL AND NOT m.deprecated
ORDER BY m.material_id
