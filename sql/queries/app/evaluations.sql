-- What validation said about each material of a campaign, under the iteration that asked first.
-- Values of another method than the campaign's are no answer to it.
-- :campaign  its name
SELECT
    min(r.iteration) AS iteration,
    v.material_id,
    m.reduced_formula,
    coalesce(jsonb_object_agg(v.property, v.value) FILTER (WHERE v.outcome = 'measured'), '{}') AS measured
FROM validation_results v
JOIN active_learning_runs r USING (partition_key)
JOIN campaigns c ON c.name = r.campaign
JOIN materials m USING (material_id)
WHERE r.campaign = :campaign AND v.method = c.document ->> 'method'
GROUP BY v.material_id, m.reduced_formula
ORDER BY iteration, v.material_id;
