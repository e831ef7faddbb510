-- What is known of a property by a cheap method, by the structure that a campaign works with. Of several sources the one
-- that names the material speaks first. Results of validation are no part of it: those are what a campaign asks for.
-- Parameters: property, method, relaxed_by.
SELECT DISTINCT ON (used.structure_hash) used.structure_hash, CAST(entry ->> 'value' AS double precision) AS value
FROM materials m
JOIN material_structures(CAST(:relaxed_by AS text)) used USING (material_id)
CROSS JOIN LATERAL jsonb_array_elements(m.properties -> CAST(:property AS text)) AS entry
WHERE NOT m.deprecated AND entry ->> 'method' = :method AND used.structure_hash IS NOT NULL
ORDER BY used.structure_hash, nullif(entry ->> 'source', split_part(m.material_id, ':', 1)) COLLATE "C" NULLS FIRST,
         m.material_id COLLATE "C", value
