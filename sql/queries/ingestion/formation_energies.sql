-- Formation energies in some chemical systems, by source and method, and whether the source gives the energy above hull
-- itself.
-- Parameters: chemical_systems (text array).
SELECT
    entry ->> 'source' AS source, entry ->> 'method' AS method,
    m.material_id, m.reduced_formula, m.chemical_system,
    CAST(entry ->> 'value' AS double precision) AS value,
    EXISTS (
        SELECT 1 FROM jsonb_array_elements(m.properties -> 'energy_above_hull') given
        WHERE given ->> 'source' = entry ->> 'source' AND given ->> 'method' = entry ->> 'method'
    ) AS has_hull
FROM materials m, jsonb_array_elements(m.properties -> 'formation_energy_per_atom') entry
WHERE NOT m.deprecated AND m.chemical_system = ANY (CAST(:chemical_systems AS text[]))
ORDER BY m.material_id COLLATE "C";
