-- What energies the materials have that a potential has relaxed. Those that came after the last writing wait for the next.
-- Parameters: method, recipe (its sha256), source and label (of formation energies and of energies above hull).
SELECT
    count(*) AS relaxed,
    count(*) FILTER (WHERE formation.present) AS with_energy,
    count(*) FILTER (WHERE hull.present) AS with_hull,
    count(*) FILTER (WHERE r.formation_problem IS NOT NULL) AS without,
    count(*) FILTER (WHERE formation.present AND r.formation_problem IS NOT NULL) AS contradicted,
    count(*) FILTER (
        WHERE NOT formation.present AND r.formation_problem IS NULL
          AND r.relaxed_at <= c.energies_at AND m.created_at <= c.energies_at
    ) AS lost
FROM relaxed_structures r
JOIN materials m ON m.structure_hash = r.structure_hash AND NOT m.deprecated
LEFT JOIN relaxation_recipes c ON c.method = r.method AND c.sha256 = r.recipe_sha256
CROSS JOIN LATERAL (
    SELECT coalesce(
        m.properties -> 'formation_energy_per_atom'
            @> jsonb_build_array(jsonb_build_object('source', CAST(:source AS text), 'method', CAST(:method AS text))),
        false) AS present
) formation
CROSS JOIN LATERAL (
    SELECT coalesce(
        m.properties -> 'energy_above_hull'
            @> jsonb_build_array(jsonb_build_object('source', CAST(:label AS text), 'method', CAST(:method AS text))),
        false) AS present
) hull
WHERE r.method = :method AND r.recipe_sha256 = :recipe;
