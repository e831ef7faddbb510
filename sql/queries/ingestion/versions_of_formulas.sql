-- What tells whether the records of some formulas are as they were read.
-- Parameters: formulas (text array).
SELECT m.material_id, m.structure_hash, m.properties, m.same_as, m.deprecated AND m.same_as IS NULL AS withdrawn
FROM materials m
WHERE m.reduced_formula = ANY (CAST(:formulas AS text[]))
  AND split_part(m.material_id, ':', 1) NOT IN (SELECT source FROM closed_sources);
