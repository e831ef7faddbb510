-- Candidates in the order asked for, with what validation said of each.
-- :candidate_ids
SELECT
    k.candidate_id, r.campaign, r.iteration, k.partition_key, k.material_id,
    m.reduced_formula AS formula, m.chemical_system, k.rank, k.acquisition, k.feasibility,
    k.predicted, k.status, k.rejection_kind, k.version, k.updated_at,
    known.distance, known.distance > known.threshold AS out_of_distribution,
    scored_by.model_version, champion.model_version AS champion_version,
    scored_by.model_version < champion.model_version AS stale,
    coalesce(answers.validated, '[]') AS validated
FROM unnest(CAST(:candidate_ids AS bigint[])) WITH ORDINALITY AS page (candidate_id, number)
JOIN candidates k USING (candidate_id)
JOIN active_learning_runs r USING (partition_key)
JOIN materials m USING (material_id)
LEFT JOIN LATERAL (
    SELECT jsonb_agg(to_jsonb(answer) ORDER BY answer.property, answer.method) AS validated
    FROM (
        -- the mean of replicates, as campaign_truths takes it
        SELECT v.property, v.method, coalesce(min('measured') FILTER (WHERE v.value IS NOT NULL), 'failed') AS outcome,
            CASE WHEN min(v.value) = max(v.value) THEN min(v.value) ELSE avg(v.value) END AS value, coalesce(min(v.unit), '') AS unit,
            greatest(
                nullif(stddev_samp(v.value), 0) / sqrt(count(v.value)),
                CASE WHEN count(v.standard_deviation) = count(v.value) AND count(v.value) > 0
                     THEN sqrt(sum(v.standard_deviation ^ 2)) / count(v.value) END) AS standard_deviation,
            count(v.value) AS n_results, (array_agg(v.note ORDER BY v.result_id DESC))[1] AS note,
            (array_agg(v.validator ORDER BY v.result_id DESC))[1] AS validator, max(v.created_at) AS created_at
        FROM effective_results v
        WHERE (v.partition_key = k.partition_key OR v.partition_key IS NULL) AND v.material_id = k.material_id
          AND v.property IS NOT NULL
        GROUP BY v.property, v.method
    ) answer
) answers ON true
LEFT JOIN LATERAL (
    SELECT p.distance, v.distance_threshold AS threshold
    FROM rankings g
    JOIN prediction_versions v ON v.version = g.prediction_version
    JOIN predictions p ON p.version = v.version AND p.material_id = k.material_id
    WHERE g.partition_key = k.partition_key
    LIMIT 1 -- looks up one row of one partition instead of scanning them all
) known ON true
LEFT JOIN LATERAL (
    SELECT m.model_version
    FROM rankings g
    JOIN prediction_versions v ON v.version = g.prediction_version
    JOIN predicting_versions m ON m.partition_key = v.partition_key AND m.model_sha256 = v.model_sha256
    WHERE g.partition_key = k.partition_key
) scored_by ON true
LEFT JOIN champions champion ON champion.model_name = r.campaign
ORDER BY page.number
