-- Formation energies of one source and method, and whether the source gives the energy above hull itself.
-- Parameters: source, method.
SELECT
    m.material_id, m.reduced_formula, m.chemical_system,
    CAST(entry ->> 'value' AS double precision) AS value,
    EXISTS (
        SELECT 1 FROM jsonb_array_elements(m.properties -> 'energy_above_hull') given
        WHERE given ->> 'source' = :source AND given ->> 'method' = :method
    ) AS has_hull
FROM materials m, jsonb_array_elements(m.properties -> 'formation_energy_per_atom') entry
WHERE NOT m.deprecated AND entry ->> 'source' = :source AND entry ->> 'method' = :method
ORDER BY m.material_id COLLATE "C";
