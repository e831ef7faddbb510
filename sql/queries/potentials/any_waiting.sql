-- Whether any structure in use was neither relaxed by a potential nor failed by it.
-- Parameters: method, recipe (its sha256), quarantine_source.
SELECT EXISTS (
    SELECT 1 FROM materials m
    WHERE NOT m.deprecated
      AND NOT EXISTS (
          SELECT 1 FROM relaxed_structures r
          WHERE r.method = :method AND r.recipe_sha256 = :recipe AND r.structure_hash = m.structure_hash)
      AND NOT EXISTS (
          SELECT 1 FROM quarantine q
          WHERE q.source = :quarantine_source AND q.raw_sha256 = :method AND q.record = m.structure_hash
            AND q.payload ->> 'recipe' = :recipe)
) AS waiting;
