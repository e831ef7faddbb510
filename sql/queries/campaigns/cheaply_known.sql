-- Of how many of some structures, which are those that a campaign works with, a property is known by a method, and from
-- which sources.
-- Parameters: structure_hashes (text array), property, method, relaxed_by.
SELECT count(DISTINCT used.structure_hash) AS n_materials,
       coalesce(array_agg(DISTINCT entry ->> 'source' ORDER BY entry ->> 'source'), '{}') AS sources
FROM materials m
JOIN material_structures(CAST(:relaxed_by AS text)) used USING (material_id)
CROSS JOIN LATERAL jsonb_array_elements(m.properties -> CAST(:property AS text)) AS entry
WHERE NOT m.deprecated AND used.structure_hash = ANY (CAST(:structure_hashes AS text[])) AND entry ->> 'method' = :method
