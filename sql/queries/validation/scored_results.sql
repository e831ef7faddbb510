-- What was predicted for each validated material of an iteration beside what validation said; replicates by their mean.
SELECT v.material_id, v.property,
       CASE WHEN min(v.value) = max(v.value) THEN min(v.value) ELSE avg(v.value) END AS value,
       CAST(c.predicted -> v.property ->> 'mean' AS double precision) AS predicted_mean,
       CAST(c.predicted -> v.property ->> 'std' AS double precision) AS predicted_std
FROM effective_results v
JOIN candidates c ON c.partition_key = v.partition_key AND c.material_id = v.material_id
WHERE v.partition_key = :partition_key AND v.outcome = 'measured' AND c.predicted ? v.property
GROUP BY v.material_id, v.property, c.predicted
ORDER BY v.material_id, v.property
