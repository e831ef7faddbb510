-- Structures in use that wait, each once, with the materials that have them; what was relaxed meanwhile is not among them.
-- Parameters: method, recipe (its sha256), most_steps, structure_hashes (text array).
SELECT
    m.structure_hash,
    (array_agg(m.structure_json ORDER BY m.material_id))[1] AS structure_json,
    array_agg(m.material_id ORDER BY m.material_id) AS material_ids
FROM materials m
WHERE m.structure_hash = ANY (CAST(:structure_hashes AS text[]))
  AND NOT m.deprecated
  AND NOT EXISTS (
      SELECT 1 FROM relaxed_structures r
      WHERE r.method = :method AND r.recipe_sha256 = :recipe AND r.structure_hash = m.structure_hash
        AND (r.status = 'converged' OR r.steps >= :most_steps))
GROUP BY m.structure_hash
ORDER BY m.structure_hash;
