-- How many materials each source gave.
SELECT s.source AS name, count(*) AS materials
FROM material_sources s
JOIN materials m USING (material_id)
WHERE NOT m.deprecated
GROUP BY s.source
ORDER BY count(*) DESC, s.source
