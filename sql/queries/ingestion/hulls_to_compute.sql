-- Sources and methods with formation energies, and those with hulls that were computed from such before.
-- Parameters: suffix (of the name under which computed hulls are kept).
SELECT entry ->> 'source' AS source, entry ->> 'method' AS method
FROM materials, jsonb_array_elements(properties -> 'formation_energy_per_atom') entry
WHERE NOT deprecated
UNION
SELECT source, method FROM computed_hulls
ORDER BY source, method;
