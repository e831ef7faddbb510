-- Results that nobody has looked at, or that were unfit when somebody did: the vocabulary may have grown since.
-- Parameters: partition_key (null: those that nobody's iteration asked for).
SELECT v.result_id, v.material_id, v.property, v.method, v.outcome, v.value, v.unit
FROM validation_results v
LEFT JOIN result_examinations e ON e.result_id = v.result_id
WHERE (v.partition_key = CAST(:partition_key AS text)
       OR CAST(:partition_key AS text) IS NULL AND v.partition_key IS NULL)
  AND (e.result_id IS NULL OR e.problem IS NOT NULL)
ORDER BY v.result_id
