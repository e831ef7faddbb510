-- Every row of the ledger, the newest first, and how it stands. Parameters: campaign (all if null).
SELECT v.result_id, r.campaign, r.iteration, v.partition_key, v.material_id, m.reduced_formula AS formula, v.property,
       v.value, v.standard_deviation, v.unit, v.method, v.outcome, v.sample, v.batch, v.replicate, v.conditions,
       v.synthesis, v.operator, v.measured_on, v.attachment, v.note, v.validator, v.submitted_by, v.created_at,
       v.supersedes, v.reason, s.result_id AS superseded_by, s.outcome AS superseded_as,
       e.result_id IS NOT NULL AS examined, e.problem
FROM validation_results v
JOIN materials m USING (material_id)
LEFT JOIN active_learning_runs r ON r.partition_key = v.partition_key
LEFT JOIN validation_results s ON s.supersedes = v.result_id
LEFT JOIN result_examinations e ON e.result_id = v.result_id
WHERE CAST(:campaign AS text) IS NULL OR r.campaign = :campaign
ORDER BY v.result_id DESC
