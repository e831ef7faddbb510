-- Parameters: method, recipe (its sha256).
UPDATE relaxation_recipes SET energies_at = now() WHERE method = :method AND sha256 = :recipe;
