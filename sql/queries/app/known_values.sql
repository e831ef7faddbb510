-- What sources and validation tell of some materials by a method, the mean of several: a row a material of which anything is known.
-- :material_ids, :properties, :method
WITH told AS (
    SELECT m.material_id, p.key AS property, CAST(entry ->> 'value' AS double precision) AS value
    FROM materials m
    CROSS JOIN LATERAL jsonb_each(m.properties) AS p (key, entries)
    CROSS JOIN LATERAL jsonb_array_elements(p.entries) AS entry
    WHERE m.material_id = ANY (CAST(:material_ids AS text[])) AND p.key = ANY (CAST(:properties AS text[]))
      AND entry ->> 'method' = :method
    UNION ALL
    SELECT v.material_id, v.property, v.value
    FROM effective_results v
    WHERE v.material_id = ANY (CAST(:material_ids AS text[])) AND v.property = ANY (CAST(:properties AS text[]))
      AND v.method = :method AND v.outcome = 'measured'
), known AS (
    SELECT material_id, property, avg(value) AS value FROM told WHERE value IS NOT NULL GROUP BY material_id, property
)
SELECT m.reduced_formula AS formula, jsonb_object_agg(k.property, k.value) AS known
FROM known k
JOIN materials m USING (material_id)
GROUP BY m.material_id
