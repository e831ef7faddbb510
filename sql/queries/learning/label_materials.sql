-- The materials that an iteration has labels of.
SELECT m.material_id, m.chemical_system, m.structure_hash
FROM materials m
WHERE m.material_id IN (SELECT l.material_id FROM iteration_labels l WHERE l.partition_key = :partition_key)
ORDER BY m.material_id
