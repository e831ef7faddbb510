-- Materials in use that a potential has relaxed, with the formation energy by it that they have as a property; also those
-- that have one and were not relaxed by this recipe, whose status is null.
-- Parameters: method, recipe (its sha256), source (of that property).
SELECT
    m.material_id, m.reduced_formula, m.elements, r.structure_hash, r.status, r.steps,
    (r.energy_ev + r.correction_ev) / r.n_sites AS energy_per_atom,
    r.formation_energy, r.formation_problem, known.value
FROM materials m
LEFT JOIN relaxed_structures r
    ON r.structure_hash = m.structure_hash AND r.method = :method AND r.recipe_sha256 = :recipe
LEFT JOIN LATERAL (
    SELECT CAST(entry ->> 'value' AS double precision) AS value
    FROM jsonb_array_elements(m.properties -> 'formation_energy_per_atom') entry
    WHERE entry ->> 'source' = :source AND entry ->> 'method' = :method
    LIMIT 1
) known ON true
WHERE NOT m.deprecated AND (r.structure_hash IS NOT NULL OR known.value IS NOT NULL)
ORDER BY m.material_id COLLATE "C";
