-- The iterations whose labels were made of what these results correct or retract, or of what that had corrected before.
-- Parameters: result_ids (array).
WITH RECURSIVE before AS (
    SELECT v.supersedes AS result_id FROM validation_results v
    WHERE v.result_id = ANY (CAST(:result_ids AS bigint[])) AND v.supersedes IS NOT NULL
    UNION
    SELECT v.supersedes FROM before b JOIN validation_results v USING (result_id) WHERE v.supersedes IS NOT NULL
)
SELECT DISTINCT l.partition_key
FROM before b
JOIN validation_results v USING (result_id)
JOIN iteration_labels l
  ON l.material_id = v.material_id AND l.property = v.property AND v.result_id = ANY (l.result_ids)
ORDER BY l.partition_key
