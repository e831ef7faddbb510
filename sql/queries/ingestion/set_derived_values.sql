-- Put values of a property that were derived in the place of earlier ones; none where there are no entries.
-- Parameters: property, rows (JSON: material_id, and entries, a list of one or none), label (the source under which they
-- are kept), method.
UPDATE materials m
SET properties = CASE WHEN merged.entries IS NULL
        THEN m.properties - CAST(:property AS text)
        ELSE jsonb_set(m.properties, ARRAY[CAST(:property AS text)], merged.entries)
    END,
    updated_at = now()
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS computed (material_id text, entries jsonb)
JOIN materials own USING (material_id)
CROSS JOIN LATERAL (
    SELECT jsonb_agg(entry ORDER BY entry ->> 'source' COLLATE "C", entry ->> 'method' COLLATE "C") AS entries
    FROM (
        SELECT entry
        FROM jsonb_array_elements(own.properties -> CAST(:property AS text)) entry
        WHERE NOT (entry ? 'derived' AND entry ->> 'source' = :label AND entry ->> 'method' = :method)
        UNION ALL
        SELECT entry FROM jsonb_array_elements(computed.entries) entry
    ) every_entry
) merged
WHERE m.material_id = computed.material_id;
