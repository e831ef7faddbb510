-- Elements of structures in use that a potential has relaxed, of which nothing is known by it; where :again those, too,
-- that have a problem.
-- Parameters: method, recipe (its sha256), again.
SELECT DISTINCT held.element
FROM relaxed_structures r
JOIN materials m ON m.structure_hash = r.structure_hash AND NOT m.deprecated
CROSS JOIN LATERAL unnest(m.elements) AS held (element)
WHERE r.method = :method
  AND r.recipe_sha256 = :recipe
  AND NOT EXISTS (
      SELECT 1 FROM element_references e
      WHERE e.method = :method AND e.recipe_sha256 = :recipe AND e.element = held.element
        AND NOT (:again AND e.problem IS NOT NULL))
ORDER BY held.element;
