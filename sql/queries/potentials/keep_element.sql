-- Parameters: the columns of element_references.
INSERT INTO element_references AS known (method, element, recipe_sha256, energy_per_atom, state, problem)
VALUES (:method, :element, :recipe_sha256, :energy_per_atom, :state, :problem)
ON CONFLICT (method, element) DO UPDATE SET
    recipe_sha256 = excluded.recipe_sha256, energy_per_atom = excluded.energy_per_atom, state = excluded.state,
    problem = excluded.problem
-- What is known stays where no lower state was found.
WHERE known.recipe_sha256 <> excluded.recipe_sha256
   OR known.energy_per_atom IS NULL
   OR excluded.energy_per_atom < known.energy_per_atom;
