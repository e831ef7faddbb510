-- The materials that an iteration has labels of; those that :relaxed_by has not relaxed without a structure.
SELECT m.material_id, m.chemical_system, used.structure_hash
FROM materials m
LEFT JOIN material_structures(CAST(:relaxed_by AS text)) used USING (material_id)
WHERE m.material_id IN (SELECT l.material_id FROM iteration_labels l WHERE l.partition_key = :partition_key)
ORDER BY m.material_id
