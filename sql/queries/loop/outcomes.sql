-- What validation said of each material of a campaign, the latest word for each property.
-- Values of another method than the campaign's are no answer to it.
-- Values of a candidate that was rejected as one of :kinds_without_labels are none.
SELECT DISTINCT ON (v.material_id, v.property)
       v.material_id, m.reduced_formula, v.partition_key, r.iteration, coalesce(c.rank, 0) AS rank,
       v.property, v.outcome,
       CASE WHEN c.rejection_kind = ANY (CAST(:kinds_without_labels AS rejection_kind[])) THEN NULL ELSE v.value END
           AS value
FROM validation_results v
JOIN active_learning_runs r ON r.partition_key = v.partition_key
JOIN campaigns g ON g.name = r.campaign
JOIN materials m ON m.material_id = v.material_id
LEFT JOIN candidates c ON c.partition_key = v.partition_key AND c.material_id = v.material_id
WHERE r.campaign = :campaign AND v.method = g.document ->> 'method'
ORDER BY v.material_id, v.property, v.result_id DESC
