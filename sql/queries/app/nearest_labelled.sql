-- The labelled materials nearest to a candidate when it was ranked, with what was known of them then.
-- :candidate_id
SELECT near.material_id, m.reduced_formula AS formula, near.distance,
    coalesce(known.labels, '{}') AS labels
FROM candidates k
CROSS JOIN LATERAL jsonb_to_recordset(k.nearest) AS near (material_id text, distance double precision)
JOIN materials m ON m.material_id = near.material_id
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(l.property, l.value) AS labels
    FROM iteration_labels l
    WHERE l.partition_key = k.partition_key AND l.material_id = near.material_id
) known ON true
WHERE k.candidate_id = :candidate_id
ORDER BY near.distance, near.material_id;
