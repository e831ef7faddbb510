-- Measurements of which there are several, of some materials: neither corrected nor retracted.
-- Parameters: material_ids (text array), fewest.
SELECT v.material_id, v.property, v.method, v.value, v.unit, v.sample, v.batch, v.replicate, v.result_id
FROM (
    SELECT h.*, count(*) OVER (PARTITION BY h.material_id, h.property, h.method) AS n
    FROM validation_results h
    WHERE h.material_id = ANY (CAST(:material_ids AS text[])) AND h.outcome = 'measured'
      AND NOT EXISTS (SELECT 1 FROM validation_results s WHERE s.supersedes = h.result_id)
) v
WHERE v.n >= :fewest
ORDER BY v.material_id, v.property, v.method, v.result_id
