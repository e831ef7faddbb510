-- Calculations that answer for candidates of a campaign: those under way first, then those that ended last.
-- :campaign, :statuses (null: all), :job_id (null: all), :limit, :offset
SELECT
    j.job_id, last.campaign, last.candidate_id, last.iteration, j.material_id, m.reduced_formula AS formula, j.validator,
    j.method, j.properties, j.status, j.attempt, j.reason, j.note, j.answers, j.files, j.run_id,
    j.process ->> 'host' AS host, j.submitted_at, j.started_at, j.finished_at, count(*) OVER () AS total
FROM validation_jobs j
JOIN materials m USING (material_id)
JOIN LATERAL (
    SELECT r.campaign, c.candidate_id, r.iteration
    FROM candidates c
    JOIN active_learning_runs r USING (partition_key)
    JOIN campaigns g ON g.name = r.campaign
    WHERE c.material_id = j.material_id AND c.status <> 'ranked'
      AND g.document ->> 'validator' = j.validator AND g.document ->> 'method' = j.method
      AND (CAST(:campaign AS text) IS NULL OR r.campaign = :campaign)
    ORDER BY r.iteration DESC, c.candidate_id DESC LIMIT 1
) last ON true
WHERE (CAST(:statuses AS text[]) IS NULL OR j.status = ANY (CAST(:statuses AS text[])))
  AND (CAST(:job_id AS text) IS NULL OR j.job_id = :job_id)
ORDER BY array_position(ARRAY['running', 'waiting'], j.status) NULLS LAST,
    CASE WHEN j.status = 'waiting' THEN j.submitted_at END,
    coalesce(j.finished_at, j.started_at, j.submitted_at) DESC, j.job_id
LIMIT :limit OFFSET :offset
