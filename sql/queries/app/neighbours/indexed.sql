-- Materials whose structures are nearest to some components, by the index of pgvector; one a material, the nearest first.
-- :material_id (left out), :components, :labelled (only those of which some value is known), :property (of this property), :limit
SELECT m.material_id, m.reduced_formula AS formula,
    CAST(v.components AS vector(64)) <-> CAST(CAST(:components AS real[]) AS vector(64)) AS distance
FROM structure_vectors v
JOIN materials m ON m.structure_hash = v.structure_hash AND NOT m.deprecated
WHERE m.material_id <> :material_id
  AND (NOT CAST(:labelled AS boolean)
       OR CASE WHEN CAST(:property AS text) IS NULL THEN m.properties <> '{}' ELSE m.properties ? CAST(:property AS text) END
       OR EXISTS (SELECT FROM effective_results r
                  WHERE r.material_id = m.material_id AND r.value IS NOT NULL
                    AND (CAST(:property AS text) IS NULL OR r.property = :property)))
ORDER BY CAST(v.components AS vector(64)) <-> CAST(CAST(:components AS real[]) AS vector(64))
LIMIT :limit;
