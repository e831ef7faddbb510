-- What is known of some materials: values that sources give, and results.
-- :material_ids, :property (null for all)
SELECT known.*
FROM (
    SELECT m.material_id, named.key AS property, CAST(entry ->> 'value' AS double precision) AS value, entry ->> 'unit' AS unit,
        entry ->> 'method' AS method, entry ->> 'source' AS source
    FROM materials m, jsonb_each(m.properties) named, jsonb_array_elements(named.value) entry
    WHERE m.material_id = ANY (CAST(:material_ids AS text[]))
    UNION ALL
    SELECT r.material_id, r.property, avg(r.value), min(r.unit), r.method, 'results'
    FROM effective_results r
    WHERE r.material_id = ANY (CAST(:material_ids AS text[])) AND r.value IS NOT NULL
    GROUP BY r.material_id, r.property, r.method
) known
WHERE CAST(:property AS text) IS NULL OR known.property = :property
ORDER BY known.material_id, known.property, known.method, known.source;
