-- Structures in use that a potential has neither relaxed nor failed at; those that did not converge in fewer steps than
-- are allowed now wait again, and where :again those it failed at.
-- Parameters: method, recipe (its sha256), most_steps, again, quarantine_source.
SELECT m.structure_hash, coalesce(max(m.n_sites), 0) AS n_sites
FROM materials m
WHERE NOT m.deprecated
  AND NOT EXISTS (
      SELECT 1 FROM relaxed_structures r
      WHERE r.method = :method AND r.recipe_sha256 = :recipe AND r.structure_hash = m.structure_hash
        AND (r.status = 'converged' OR r.steps >= :most_steps))
  AND (:again OR NOT EXISTS (
      SELECT 1 FROM quarantine q
      WHERE q.source = :quarantine_source AND q.raw_sha256 = :method AND q.record = m.structure_hash
        AND q.payload ->> 'recipe' = :recipe))
GROUP BY m.structure_hash
ORDER BY m.structure_hash;
