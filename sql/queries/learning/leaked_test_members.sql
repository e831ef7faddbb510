SELECT l.material_id, l.property
FROM iteration_labels l
JOIN active_learning_runs r ON r.partition_key = l.partition_key
JOIN campaign_test_set t ON t.campaign = r.campaign AND t.material_id = l.material_id
WHERE l.partition_key = :partition_key
ORDER BY l.material_id
