-- The results that a campaign learns from, each with what was last predicted of its candidate.
SELECT v.result_id, v.partition_key, v.material_id, m.reduced_formula AS formula, v.property, v.method, v.value, v.unit,
       v.standard_deviation,
       CAST(c.predicted -> v.property ->> 'mean' AS double precision) AS predicted_mean,
       CAST(c.predicted -> v.property ->> 'std' AS double precision) AS predicted_std
FROM campaign_results(:campaign) v
JOIN materials m USING (material_id)
LEFT JOIN LATERAL (
    SELECT k.predicted
    FROM candidates k
    JOIN active_learning_runs r USING (partition_key)
    WHERE k.material_id = v.material_id AND r.campaign = :campaign
      AND (v.partition_key IS NULL OR k.partition_key = v.partition_key)
    ORDER BY r.iteration DESC LIMIT 1
) c ON true
WHERE v.outcome = 'measured'
ORDER BY v.material_id, v.property, v.result_id
