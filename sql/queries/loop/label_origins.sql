-- How many labels of iterations come from where: from sources, by property, or from results of an iteration; of a label
-- that is made of several the newest names it, empty where nobody's iteration asked for it.
-- Parameters: partition_keys (array; all if null).
WITH asked AS (
    SELECT partition_key, campaign, iteration, label_sha256, label_count
    FROM active_learning_runs
    WHERE CAST(:partition_keys AS text[]) IS NULL OR partition_key = ANY (CAST(:partition_keys AS text[]))
),
counted AS (
    SELECT l.partition_key, l.origin, l.property, l.method, newest.partition_key AS results_of, count(*) AS labels
    FROM iteration_labels l
    JOIN asked USING (partition_key)
    LEFT JOIN validation_results newest ON newest.result_id = l.result_ids[cardinality(l.result_ids)]
    GROUP BY l.partition_key, l.origin, l.property, l.method, newest.partition_key
)
SELECT a.partition_key, a.label_sha256, a.label_count, c.origin, c.property, c.method, c.results_of,
       coalesce(c.labels, 0) AS labels
FROM asked a LEFT JOIN counted c USING (partition_key)
ORDER BY a.partition_key, c.origin, c.results_of, c.property
