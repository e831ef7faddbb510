-- What did not converge before, or was relaxed by another recipe, and failed now.
-- Parameters: method, recipe (its sha256), structure_hashes (text array).
DELETE FROM relaxed_structures
WHERE method = :method AND (status = 'not_converged' OR recipe_sha256 <> :recipe)
  AND structure_hash = ANY (CAST(:structure_hashes AS text[]));
