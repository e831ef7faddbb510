-- The same by comparing with every structure that passes the filters: exact, and slow where they are many.
-- :material_id (left out), :components, :labelled (only those of which some value is known), :property (of this property), :limit
SELECT m.material_id, m.reduced_formula AS formula, apart.distance
FROM structure_vectors v
JOIN materials m ON m.structure_hash = v.structure_hash AND NOT m.deprecated
CROSS JOIN LATERAL (
    SELECT sqrt(sum((pair.one - pair.other) ^ 2)) AS distance
    FROM unnest(v.components, CAST(:components AS real[])) AS pair (one, other)
) apart
WHERE m.material_id <> :material_id
  AND (NOT CAST(:labelled AS boolean)
       OR CASE WHEN CAST(:property AS text) IS NULL THEN m.properties <> '{}' ELSE m.properties ? CAST(:property AS text) END
       OR EXISTS (SELECT FROM effective_results r
                  WHERE r.material_id = m.material_id AND r.value IS NOT NULL
                    AND (CAST(:property AS text) IS NULL OR r.property = :property)))
ORDER BY apart.distance, m.material_id
LIMIT :limit;
