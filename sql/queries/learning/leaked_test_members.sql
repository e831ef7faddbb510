-- Labels of an iteration that tell something of its campaign's test set: the material, or one of the same structure.
SELECT l.material_id, l.property, held.material_id AS test_member
FROM iteration_labels l
JOIN active_learning_runs r ON r.partition_key = l.partition_key
JOIN materials m ON m.material_id = l.material_id
JOIN campaign_test_set t ON t.campaign = r.campaign
JOIN materials held ON held.material_id = t.material_id
WHERE l.partition_key = :partition_key
  AND (held.material_id = l.material_id OR held.structure_hash = m.structure_hash)
ORDER BY l.material_id, l.property, held.material_id
