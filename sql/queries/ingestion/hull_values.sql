-- Computed energies above hull of one chemical system.
-- Parameters: label (the source under which they are kept), method, chemical_system.
SELECT m.material_id, CAST(entry ->> 'value' AS double precision) AS value
FROM materials m, jsonb_array_elements(m.properties -> 'energy_above_hull') entry
WHERE m.chemical_system = :chemical_system AND entry ? 'derived' AND entry ->> 'source' = :label AND entry ->> 'method' = :method;
