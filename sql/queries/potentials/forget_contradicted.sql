-- Failures of structures that the same recipe relaxed in another run.
-- Parameters: method, recipe (its sha256), quarantine_source.
DELETE FROM quarantine q
USING relaxed_structures r
WHERE q.source = :quarantine_source AND q.raw_sha256 = :method
  AND r.method = :method AND r.recipe_sha256 = :recipe AND r.structure_hash = q.record;
