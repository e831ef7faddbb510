-- The results of a candidate that nothing replaced yet.
-- Parameters: candidate_id.
SELECT v.result_id
FROM candidates c
JOIN validation_results v ON v.partition_key = c.partition_key AND v.material_id = c.material_id
WHERE c.candidate_id = :candidate_id AND v.outcome <> 'retracted'
  AND NOT EXISTS (SELECT 1 FROM validation_results s WHERE s.supersedes = v.result_id AND s.outcome <> 'retracted')
ORDER BY v.result_id
