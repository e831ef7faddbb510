-- Parameters: method, recipe (its sha256).
SELECT element, energy_per_atom, state, problem
FROM element_references
WHERE method = :method AND recipe_sha256 = :recipe
ORDER BY element;
