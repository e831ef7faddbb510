-- What validation said of candidates, replicates averaged as campaign_truths does it.
-- What an iteration did not ask counts for every candidate.
-- :material_ids, :partition_keys   of the same length: of a material, in an iteration
SELECT asked.material_id, asked.partition_key, v.property, v.method,
       coalesce(min('measured') FILTER (WHERE v.value IS NOT NULL), 'failed') AS outcome,
       CASE WHEN min(v.value) = max(v.value) THEN min(v.value) ELSE avg(v.value) END AS value,
       coalesce(min(v.unit), '') AS unit,
       greatest(
           nullif(stddev_samp(v.value), 0) / sqrt(count(v.value)),
           CASE WHEN count(v.standard_deviation) = count(v.value) AND count(v.value) > 0
                THEN sqrt(sum(v.standard_deviation ^ 2)) / count(v.value) END) AS standard_deviation,
       count(v.value) AS n_results, (array_agg(v.note ORDER BY v.result_id DESC))[1] AS note,
       (array_agg(v.validator ORDER BY v.result_id DESC))[1] AS validator, max(v.created_at) AS created_at
FROM unnest(CAST(:material_ids AS text[]), CAST(:partition_keys AS text[])) AS asked (material_id, partition_key)
JOIN effective_results v
  ON v.material_id = asked.material_id AND (v.partition_key = asked.partition_key OR v.partition_key IS NULL)
WHERE v.property IS NOT NULL
GROUP BY asked.material_id, asked.partition_key, v.property, v.method
ORDER BY asked.material_id, asked.partition_key, v.property, v.method
