-- What validation said of each material of a campaign, the latest word for each property.
SELECT DISTINCT ON (v.material_id, v.property)
       v.material_id, v.partition_key, r.iteration, v.property, v.outcome, v.value
FROM validation_results v
JOIN active_learning_runs r ON r.partition_key = v.partition_key
WHERE r.campaign = :campaign
ORDER BY v.material_id, v.property, v.result_id DESC
