-- Hash of what a potential's relaxed structures are.
-- Parameters: method, recipe (its sha256).
SELECT encode(sha256(convert_to(coalesce(string_agg(
    concat_ws(' ', structure_hash, relaxed_hash, status), ',' ORDER BY structure_hash COLLATE "C"
), ''), 'UTF8')), 'hex') AS sha256, count(*) AS relaxed
FROM relaxed_structures
WHERE method = :method AND recipe_sha256 = :recipe;
