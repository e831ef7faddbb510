-- The iterations whose labels some results went into.
-- Parameters: result_ids (bigint array).
SELECT DISTINCT partition_key FROM iteration_labels
WHERE result_ids && CAST(:result_ids AS bigint[])
ORDER BY partition_key
