-- The structures a version is about, in the order of its predictions.
SELECT p.material_id, m.structure_hash, m.reduced_formula
FROM predictions p
JOIN materials m ON m.material_id = p.material_id
WHERE p.version = :version
ORDER BY p.material_id
