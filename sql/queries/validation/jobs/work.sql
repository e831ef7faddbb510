-- What validators have to do, and calculations that failed or were cancelled: one row a candidate, or a calculation that
-- nobody waits for. Parameters: campaign (null: all).
WITH pending AS (
    SELECT c.candidate_id, r.campaign, c.material_id, c.status::text AS status, g.document,
        g.document ->> 'validator' AS validator, g.document ->> 'method' AS method, e.at, e.reason
    FROM candidates c
    JOIN active_learning_runs r USING (partition_key)
    JOIN campaigns g ON g.name = r.campaign
    LEFT JOIN LATERAL (
        SELECT at, reason FROM candidate_events WHERE candidate_id = c.candidate_id ORDER BY event_id DESC LIMIT 1
    ) e ON true
    WHERE c.status IN ('flagged', 'in_validation') AND r.status <> 'abandoned'
      AND g.document ->> 'validator' <> 'reference_table'
      AND r.campaign = coalesce(:campaign, r.campaign)
), work AS (
    SELECT p.candidate_id, p.campaign, p.material_id, p.validator, p.method, p.document, j.job_id, j.properties,
        coalesce(j.status, p.status) AS status,
        CASE j.status WHEN 'waiting' THEN j.submitted_at WHEN 'running' THEN j.started_at ELSE p.at END AS since,
        coalesce(nullif(j.reason, ''), p.reason, '') AS reason, j.folder
    FROM pending p
    LEFT JOIN LATERAL (
        SELECT * FROM validation_jobs j
        WHERE j.material_id = p.material_id AND j.validator = p.validator AND j.method = p.method
          AND p.status = 'in_validation'
        ORDER BY j.submitted_at DESC LIMIT 1
    ) j ON true
    UNION ALL
    SELECT last.candidate_id, last.campaign, j.material_id, j.validator, j.method, NULL, j.job_id, j.properties,
        j.status, coalesce(j.finished_at, j.started_at, j.submitted_at), j.reason, j.folder
    FROM validation_jobs j
    LEFT JOIN LATERAL (
        SELECT c.candidate_id, r.campaign
        FROM candidates c
        JOIN active_learning_runs r USING (partition_key)
        JOIN campaigns g ON g.name = r.campaign
        WHERE c.material_id = j.material_id AND g.document ->> 'validator' = j.validator
          AND g.document ->> 'method' = j.method
        ORDER BY c.candidate_id DESC LIMIT 1
    ) last ON true
    WHERE j.status <> 'done' AND (CAST(:campaign AS text) IS NULL OR last.campaign = :campaign)
      AND NOT EXISTS (
        SELECT 1 FROM pending p
        WHERE p.material_id = j.material_id AND p.validator = j.validator AND p.method = j.method
          AND p.status = 'in_validation')
)
SELECT work.*, m.reduced_formula AS formula
FROM work JOIN materials m USING (material_id)
ORDER BY array_position(ARRAY['running', 'waiting', 'in_validation', 'flagged', 'failed', 'cancelled'], status),
    since, candidate_id, job_id
