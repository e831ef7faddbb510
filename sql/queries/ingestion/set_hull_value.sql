-- Put one material's computed energy above hull in the place of an earlier one; none if there are no entries.
-- Parameters: material_id, label, method, entries (JSON: the entry, or an empty list).
UPDATE materials m
SET properties = CASE WHEN merged.entries IS NULL
        THEN m.properties - 'energy_above_hull'
        ELSE jsonb_set(m.properties, '{energy_above_hull}', merged.entries)
    END,
    updated_at = now()
FROM (
    SELECT jsonb_agg(entry ORDER BY entry ->> 'source' COLLATE "C", entry ->> 'method' COLLATE "C") AS entries
    FROM (
        SELECT entry
        FROM materials own, jsonb_array_elements(own.properties -> 'energy_above_hull') entry
        WHERE own.material_id = :material_id
          AND NOT (entry ? 'derived' AND entry ->> 'source' = :label AND entry ->> 'method' = :method)
        UNION ALL
        SELECT entry FROM jsonb_array_elements(CAST(:entries AS jsonb)) entry
    ) every_entry
) merged
WHERE m.material_id = :material_id;
