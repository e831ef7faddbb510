-- How many labels of iterations come from where: from sources, by property, or from earlier iterations' results.
-- Parameters: partition_keys (array; all if null).
WITH asked AS (
    SELECT partition_key, campaign, iteration, label_sha256, label_count
    FROM active_learning_runs
    WHERE CAST(:partition_keys AS text[]) IS NULL OR partition_key = ANY (CAST(:partition_keys AS text[]))
),
counted AS (
    SELECT l.partition_key, l.origin, l.property, l.method, CAST(NULL AS text) AS results_of, count(*) AS labels
    FROM iteration_labels l JOIN asked USING (partition_key)
    WHERE l.origin = 'computed'
    GROUP BY l.partition_key, l.property, l.method, l.origin
    UNION ALL
    SELECT l.partition_key, l.origin, l.property, l.method, answered.partition_key, count(*)
    FROM iteration_labels l
    JOIN asked USING (partition_key)
    CROSS JOIN LATERAL (
        SELECT v.partition_key
        FROM validation_results v JOIN active_learning_runs r ON r.partition_key = v.partition_key
        WHERE v.material_id = l.material_id AND v.property = l.property AND v.method = l.method
          AND v.outcome = 'measured' AND r.campaign = asked.campaign AND r.iteration < asked.iteration
        ORDER BY v.result_id DESC LIMIT 1
    ) answered
    WHERE l.origin = 'validated'
    GROUP BY l.partition_key, l.property, l.method, l.origin, answered.partition_key
)
SELECT a.partition_key, a.label_sha256, a.label_count, c.origin, c.property, c.method, c.results_of,
       coalesce(c.labels, 0) AS labels
FROM asked a LEFT JOIN counted c USING (partition_key)
ORDER BY a.partition_key, c.origin, c.results_of, c.property
