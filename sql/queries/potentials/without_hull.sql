-- Materials that have a formation energy by a potential, and no energy above hull although they are of few enough elements.
-- Parameters: method, recipe (its sha256), source and label (of formation energies and of energies above hull),
-- most_elements.
SELECT m.material_id, m.chemical_system
FROM relaxed_structures r
JOIN materials m ON m.structure_hash = r.structure_hash AND NOT m.deprecated
WHERE r.method = :method
  AND r.recipe_sha256 = :recipe
  AND cardinality(m.elements) <= :most_elements
  AND m.properties -> 'formation_energy_per_atom'
      @> jsonb_build_array(jsonb_build_object('source', CAST(:source AS text), 'method', CAST(:method AS text)))
  AND NOT coalesce(
      m.properties -> 'energy_above_hull'
          @> jsonb_build_array(jsonb_build_object('source', CAST(:label AS text), 'method', CAST(:method AS text))),
      false)
ORDER BY m.material_id COLLATE "C";
