-- One page of candidates with what validation said of each.
-- :campaign, :iteration, :statuses, :candidate_id  filters, null to leave out (:statuses is an array)
-- :sort        rank, iteration, acquisition, feasibility, updated_at, formula, status,
--              or predicted, uncertainty, validated of :property
-- :descending  true for the largest first; unknown values come last either way
-- :limit, :offset
WITH page AS (
    -- Only keys are sorted: the wide columns of 100,000 rows would spill to disk.
    SELECT k.candidate_id, r.campaign, r.iteration, k.rank, key.number, key.word
    FROM candidates k
    JOIN active_learning_runs r USING (partition_key)
    JOIN materials m USING (material_id)
    CROSS JOIN LATERAL (
        SELECT
            CASE :sort
                WHEN 'rank' THEN k.rank
                WHEN 'iteration' THEN r.iteration
                WHEN 'acquisition' THEN k.acquisition
                WHEN 'feasibility' THEN k.feasibility
                WHEN 'updated_at' THEN extract(epoch FROM k.updated_at)
                WHEN 'predicted' THEN CAST(k.predicted -> CAST(:property AS text) ->> 'mean' AS double precision)
                WHEN 'uncertainty' THEN CAST(k.predicted -> CAST(:property AS text) ->> 'std' AS double precision)
                WHEN 'validated' THEN (
                    SELECT avg(v.value) FROM effective_results v
                    WHERE (v.partition_key = k.partition_key OR v.partition_key IS NULL)
                      AND v.material_id = k.material_id AND v.property = :property AND v.method = r.document ->> 'method'
                )
            END AS number,
            CASE :sort
                WHEN 'formula' THEN m.reduced_formula
                WHEN 'status' THEN CAST(k.status AS text)
            END AS word
    ) key
    WHERE (CAST(:campaign AS text) IS NULL OR r.campaign = :campaign)
      AND (CAST(:iteration AS integer) IS NULL OR r.iteration = :iteration)
      AND (CAST(:statuses AS candidate_status[]) IS NULL OR k.status = ANY (CAST(:statuses AS candidate_status[])))
      AND (CAST(:candidate_id AS bigint) IS NULL OR k.candidate_id = :candidate_id)
    ORDER BY
        CASE WHEN NOT :descending THEN key.number END ASC NULLS LAST,
        CASE WHEN :descending THEN key.number END DESC NULLS LAST,
        CASE WHEN NOT :descending THEN key.word END ASC NULLS LAST,
        CASE WHEN :descending THEN key.word END DESC NULLS LAST,
        r.iteration DESC, k.rank, k.candidate_id
    LIMIT :limit OFFSET :offset
)
SELECT
    k.candidate_id, page.campaign, page.iteration, k.partition_key, k.material_id,
    m.reduced_formula AS formula, m.chemical_system, k.rank, k.acquisition, k.feasibility,
    k.predicted, k.status, k.rejection_kind, k.version, k.updated_at,
    known.distance, known.distance > known.threshold AS out_of_distribution,
    scored_by.model_version, champion.model_version AS champion_version,
    scored_by.model_version < champion.model_version AS stale,
    coalesce(answers.validated, '[]') AS validated
FROM page
JOIN candidates k USING (candidate_id)
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
LEFT JOIN champions champion ON champion.model_name = page.campaign
ORDER BY
    CASE WHEN NOT :descending THEN page.number END ASC NULLS LAST,
    CASE WHEN :descending THEN page.number END DESC NULLS LAST,
    CASE WHEN NOT :descending THEN page.word END ASC NULLS LAST,
    CASE WHEN :descending THEN page.word END DESC NULLS LAST,
    page.iteration DESC, page.rank, page.candidate_id;
