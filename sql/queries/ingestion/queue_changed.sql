-- Have the formulas compared again whose staged records are another crystal than before, or are a validator's pool now
-- and were joined with others.
-- Parameters: closed.
INSERT INTO compared_formulas AS known (reduced_formula, sha256)
SELECT DISTINCT formula, ''
FROM staged_materials staged
JOIN materials before USING (material_id)
CROSS JOIN LATERAL (VALUES (before.reduced_formula), (staged.reduced_formula)) AS concerned (formula)
WHERE before.structure_hash <> staged.structure_hash
   OR (:closed AND (
       before.same_as IS NOT NULL OR before.properties <> '{}'
       OR EXISTS (SELECT 1 FROM materials other WHERE other.same_as = before.material_id)
   ))
ORDER BY formula
ON CONFLICT (reduced_formula) DO UPDATE SET sha256 = '';
