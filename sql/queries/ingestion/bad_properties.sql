-- Property entries of some materials that are not a finite number in the property's unit and range by a known method.
-- Parameters: material_ids (text array), properties (JSON: name → unit, low, high; null where the range is open),
-- methods (text array).
WITH known AS MATERIALIZED (
    SELECT
        name, limits ->> 'unit' AS unit, CAST(limits ->> 'low' AS double precision) AS low,
        CAST(limits ->> 'high' AS double precision) AS high
    FROM jsonb_each(CAST(:properties AS jsonb)) AS declared (name, limits)
)
SELECT material_id, held.key AS property, CAST(entry AS text) AS entry
FROM materials
CROSS JOIN LATERAL jsonb_each(properties) held
CROSS JOIN LATERAL jsonb_array_elements(held.value) entry
LEFT JOIN known ON known.name = held.key
WHERE NOT deprecated
  AND material_id = ANY (CAST(:material_ids AS text[]))
  AND (
      known.name IS NULL
      OR jsonb_typeof(entry -> 'value') IS DISTINCT FROM 'number'
      OR entry ->> 'unit' IS DISTINCT FROM known.unit
      OR NOT coalesce(entry ->> 'method' = ANY (CAST(:methods AS text[])), false)
      OR coalesce(entry ->> 'source', '') = ''
      OR CASE WHEN jsonb_typeof(entry -> 'value') = 'number' THEN
             CAST(entry ->> 'value' AS double precision) NOT BETWEEN known.low AND known.high
         END
  )
ORDER BY material_id, property;
