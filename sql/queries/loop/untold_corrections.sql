-- Corrections and retractions that Dagster was not told of.
SELECT v.result_id
FROM validation_results v
WHERE v.supersedes IS NOT NULL AND NOT EXISTS (SELECT 1 FROM told_corrections t WHERE t.result_id = v.result_id)
ORDER BY v.result_id
