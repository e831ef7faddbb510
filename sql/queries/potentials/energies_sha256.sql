-- Hash of the formation energies by a potential of what it has relaxed.
-- Parameters: method, recipe (its sha256).
SELECT encode(sha256(convert_to(coalesce(string_agg(
    concat_ws(' ', structure_hash, formation_energy, formation_problem), ',' ORDER BY structure_hash COLLATE "C"
), ''), 'UTF8')), 'hex') AS sha256
FROM relaxed_structures
WHERE method = :method AND recipe_sha256 = :recipe;
