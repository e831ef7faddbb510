-- Every record of some formulas; closed pools are left out.
-- Parameters: formulas (text array).
SELECT
    m.reduced_formula, m.material_id, m.structure_json, m.structure_hash, m.properties, m.same_as,
    m.deprecated AND m.same_as IS NULL AS withdrawn,
    EXISTS (SELECT 1 FROM iteration_labels used WHERE used.material_id = m.material_id)
        OR EXISTS (SELECT 1 FROM candidates used WHERE used.material_id = m.material_id)
        OR EXISTS (SELECT 1 FROM campaign_test_set used WHERE used.material_id = m.material_id)
        OR EXISTS (SELECT 1 FROM predictions used WHERE used.material_id = m.material_id) AS in_use
FROM materials m
WHERE m.reduced_formula = ANY (CAST(:formulas AS text[]))
  AND split_part(m.material_id, ':', 1) NOT IN (SELECT source FROM closed_sources)
ORDER BY m.material_id COLLATE "C";
