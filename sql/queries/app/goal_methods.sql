-- By which methods values of each property are known, among so many materials: enough to offer them.
-- :most
SELECT DISTINCT p.key AS property, entry ->> 'method' AS method
FROM (SELECT properties FROM materials WHERE NOT deprecated AND properties <> '{}' LIMIT :most) m
CROSS JOIN LATERAL jsonb_each(m.properties) AS p (key, entries)
CROSS JOIN LATERAL jsonb_array_elements(p.entries) AS entry
UNION
SELECT DISTINCT property, method FROM validation_results WHERE property IS NOT NULL
ORDER BY 1, 2
