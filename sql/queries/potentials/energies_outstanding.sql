-- Whether a structure in use that a potential has relaxed has neither a formation energy nor a reason for none, or its
-- material lacks it as a property.
-- Parameters: method, recipe (its sha256), source (of that property).
SELECT EXISTS (
    SELECT 1
    FROM relaxed_structures r
    JOIN materials m ON m.structure_hash = r.structure_hash AND NOT m.deprecated
    WHERE r.method = :method
      AND r.recipe_sha256 = :recipe
      AND r.formation_problem IS NULL
      AND (r.formation_energy IS NULL OR NOT coalesce(
          m.properties -> 'formation_energy_per_atom'
              @> jsonb_build_array(jsonb_build_object('source', CAST(:source AS text), 'method', CAST(:method AS text))),
          false))
) AS outstanding;
