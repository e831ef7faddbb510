-- Property entries of materials that are not a finite number in the property's unit and range by a known
-- method; at most 100. Looked at is what some changes tell of, or everything.
-- Parameters: is_all, after, until (of changes), properties (JSON: name → unit, low, high; null where the range is
-- open), methods (text array).
WITH known AS MATERIALIZED (
    SELECT
        name, limits ->> 'unit' AS unit, CAST(limits ->> 'low' AS double precision) AS low,
        CAST(limits ->> 'high' AS double precision) AS high
    FROM jsonb_each(CAST(:properties AS jsonb)) AS declared (name, limits)
),
looked_at AS (
    SELECT material_id FROM material_changes WHERE change_id > :after AND change_id <= :until
    UNION
    SELECT material_id FROM materials WHERE :is_all
)
SELECT material_id, held.key AS property, CAST(entry AS text) AS entry
FROM looked_at
JOIN materials USING (material_id)
CROSS JOIN LATERAL jsonb_each(properties) held
CROSS JOIN LATERAL jsonb_array_elements(held.value) entry
LEFT JOIN known ON known.name = held.key
WHERE NOT deprecated
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
ORDER BY material_id, property
LIMIT 100;
