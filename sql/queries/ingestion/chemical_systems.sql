-- Every chemical system that materials are of: one step of an index each, however many materials there are.
WITH RECURSIVE found AS (
    SELECT min(chemical_system) AS chemical_system FROM materials
    UNION ALL
    SELECT (SELECT min(chemical_system) FROM materials WHERE chemical_system > found.chemical_system)
    FROM found
    WHERE found.chemical_system IS NOT NULL
)
SELECT chemical_system FROM found WHERE chemical_system IS NOT NULL;
