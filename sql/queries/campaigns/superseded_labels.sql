-- Labels of iterations whose results were corrected or retracted since they were frozen, each with the last word on it.
-- Those of the iteration itself, and those that the registered version which predicted for it had learned from before.
-- Parameters: campaign, partition_keys (array); of all where both are null.
WITH RECURSIVE asked AS (
    SELECT partition_key, campaign, model_sha256 FROM active_learning_runs
    WHERE (CAST(:campaign AS text) IS NULL OR campaign = :campaign)
      AND (CAST(:partition_keys AS text[]) IS NULL OR partition_key = ANY (CAST(:partition_keys AS text[])))
),
learned_from AS (
    SELECT partition_key, partition_key AS labels_of, CAST(NULL AS integer) AS version FROM asked
    UNION ALL
    SELECT a.partition_key, m.partition_key, p.champion_version
    FROM asked a
    JOIN predictors p ON p.partition_key = a.partition_key AND p.own_sha256 = a.model_sha256
    JOIN registered_models m ON m.model_name = a.campaign AND m.model_version = p.champion_version
    WHERE m.partition_key <> a.partition_key
),
superseded AS (
    SELECT supersedes AS result_id, result_id AS by_result FROM validation_results WHERE supersedes IS NOT NULL
    UNION
    SELECT s.result_id, v.result_id FROM superseded s JOIN validation_results v ON v.supersedes = s.by_result
)
SELECT DISTINCT ON (a.partition_key, l.material_id, l.property, s.result_id)
       a.partition_key, l.material_id, m.reduced_formula AS formula, l.property, l.value AS learned, s.result_id,
       w.result_id AS superseded_by, w.outcome, w.value, w.reason, w.submitted_by, w.created_at AS at, a.version
FROM superseded s
JOIN validation_results w ON w.result_id = s.by_result
JOIN iteration_labels l ON l.material_id = w.material_id AND l.property = w.property AND s.result_id = ANY (l.result_ids)
JOIN learned_from a ON a.labels_of = l.partition_key
JOIN materials m ON m.material_id = l.material_id
WHERE NOT EXISTS (SELECT 1 FROM validation_results later WHERE later.supersedes = w.result_id)
ORDER BY a.partition_key, l.material_id, l.property, s.result_id, a.version NULLS FIRST
