-- How many materials have a computed value of each property by a method, in a pool or not.
SELECT p.key AS property, count(DISTINCT m.material_id) AS n_materials
FROM materials m
CROSS JOIN LATERAL jsonb_each(m.properties) AS p (key, entries)
CROSS JOIN LATERAL jsonb_array_elements(p.entries) AS entry
WHERE NOT m.deprecated AND p.key = ANY (CAST(:properties AS text[])) AND entry ->> 'method' = :method
GROUP BY p.key
ORDER BY p.key
