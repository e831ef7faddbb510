-- Of how many of some materials a property is known by a method, and from which sources.
-- Parameters: material_ids (text array), property, method.
SELECT count(DISTINCT m.material_id) AS n_materials,
       coalesce(array_agg(DISTINCT entry ->> 'source' ORDER BY entry ->> 'source'), '{}') AS sources
FROM materials m
CROSS JOIN LATERAL jsonb_array_elements(m.properties -> CAST(:property AS text)) AS entry
WHERE m.material_id = ANY (CAST(:material_ids AS text[])) AND entry ->> 'method' = :method
