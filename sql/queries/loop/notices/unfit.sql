-- Results that may not be learned from and were neither corrected nor retracted, by iteration.
-- Parameters: campaign (null: those that nobody's iteration asked for).
SELECT v.partition_key, count(*) AS n, (array_agg(e.problem ORDER BY v.result_id))[1] AS problem
FROM validation_results v
LEFT JOIN active_learning_runs r USING (partition_key)
JOIN result_examinations e ON e.result_id = v.result_id AND e.problem IS NOT NULL
WHERE r.campaign IS NOT DISTINCT FROM CAST(:campaign AS text)
  AND NOT EXISTS (SELECT 1 FROM validation_results s WHERE s.supersedes = v.result_id)
GROUP BY v.partition_key
ORDER BY v.partition_key
