-- What validation said about each material of a campaign, under the iteration that asked first.
-- Values of another method than the campaign's are no answer to it.
-- Neither are those of a candidate that was rejected as one of :kinds_without_labels.
-- :campaign  its name
SELECT
    min(r.iteration) AS iteration,
    v.material_id,
    m.reduced_formula,
    coalesce(jsonb_object_agg(v.property, v.value) FILTER (
        WHERE v.outcome = 'measured'
          AND (k.rejection_kind = ANY (CAST(:kinds_without_labels AS rejection_kind[]))) IS NOT TRUE
    ), '{}') AS measured
FROM validation_results v
JOIN active_learning_runs r USING (partition_key)
JOIN campaigns c ON c.name = r.campaign
JOIN materials m USING (material_id)
LEFT JOIN candidates k ON k.partition_key = v.partition_key AND k.material_id = v.material_id
WHERE r.campaign = :campaign AND v.method = c.document ->> 'method'
GROUP BY v.material_id, m.reduced_formula
ORDER BY iteration, v.material_id;
