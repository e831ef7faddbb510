-- Property entries of materials that are not a finite number in the property's unit and range by a known
-- method; at most 100. Looked at is what some changes tell of, or everything.
-- Parameters: is_all, after, until (of changes), properties (JSON: name → unit, low, high), methods (text array).
SELECT material_id, held.key AS property, CAST(entry AS text) AS entry
FROM materials,
     jsonb_each(properties) held,
     jsonb_array_elements(held.value) entry
LEFT JOIN LATERAL (
    SELECT limits FROM jsonb_each(CAST(:properties AS jsonb)) AS known (name, limits) WHERE name = held.key
) known ON true
WHERE NOT deprecated
  AND (:is_all OR material_id IN (
      SELECT material_id FROM material_changes WHERE change_id > :after AND change_id <= :until
  ))
  AND (
      known.limits IS NULL
      OR jsonb_typeof(entry -> 'value') IS DISTINCT FROM 'number'
      OR entry ->> 'unit' IS DISTINCT FROM known.limits ->> 'unit'
      OR NOT coalesce(entry ->> 'method' = ANY (CAST(:methods AS text[])), false)
      OR coalesce(entry ->> 'source', '') = ''
      OR CASE WHEN jsonb_typeof(entry -> 'value') = 'number' THEN
             CAST(entry ->> 'value' AS double precision) NOT BETWEEN CAST(known.limits ->> 'low' AS double precision)
                                                     AND CAST(known.limits ->> 'high' AS double precision)
         END
  )
ORDER BY material_id, property
LIMIT 100;
