-- Let the provenance of some formulas' records name the material that each of them is.
-- Parameters: formulas (text array).
UPDATE material_sources origin
SET material_id = coalesce(own.same_as, own.material_id)
FROM materials own
WHERE own.reduced_formula = ANY (CAST(:formulas AS text[]))
  AND origin.source = split_part(own.material_id, ':', 1)
  AND origin.source_id = substr(own.material_id, strpos(own.material_id, ':') + 1)
  AND origin.material_id <> coalesce(own.same_as, own.material_id);
