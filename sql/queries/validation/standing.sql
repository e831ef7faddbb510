-- How each candidate of an iteration that results may move stands, with what is known of it.
-- Failures count from when it was restored last; all of them where :all_failures, and those whose note is
-- :standing_failure, which a validator says but once.
-- Parameters: partition_key, campaign, validator, all_failures, standing_failure.
WITH truths AS (
    SELECT material_id, jsonb_object_agg(property, value) AS known
    FROM campaign_truths(:campaign)
    GROUP BY material_id
),
failures AS (
    SELECT v.material_id, v.created_at, v.note, v.result_id, (v.sample, v.batch, v.replicate, v.validator) AS attempt
    FROM campaign_results(:campaign) v
    WHERE v.outcome = 'failed' AND (v.partition_key = :partition_key OR v.partition_key IS NULL)
)
SELECT c.candidate_id, c.material_id, m.reduced_formula, CAST(c.status AS text) AS status,
       CAST(c.rejection_kind AS text) AS rejection_kind, coalesce(t.known, '{}') AS known,
       coalesce(f.attempts, 0) AS attempts, coalesce(f.note, '') AS failure, e.n_returned, e.rejected_by,
       coalesce(s.reason, '') AS superseded_because
FROM candidates c
JOIN materials m USING (material_id)
LEFT JOIN truths t USING (material_id)
CROSS JOIN LATERAL (
    SELECT max(at) FILTER (WHERE from_status = 'rejected' AND to_status = 'ranked') AS restored_at,
           (array_agg(actor ORDER BY event_id DESC) FILTER (WHERE to_status = 'rejected'))[1] AS rejected_by
    FROM candidate_events x
    WHERE x.candidate_id = c.candidate_id
) history
CROSS JOIN LATERAL (
    SELECT history.rejected_by,
           count(*) FILTER (
               -- a person who gives a candidate back says nothing of a failure
               WHERE from_status = 'in_validation' AND to_status = 'flagged' AND x.actor = :validator
                 AND x.at > coalesce(history.restored_at, '-infinity')) AS n_returned
    FROM candidate_events x
    WHERE x.candidate_id = c.candidate_id
) e
LEFT JOIN LATERAL (
    SELECT count(DISTINCT attempt) AS attempts, (array_agg(note ORDER BY result_id DESC))[1] AS note
    FROM failures
    WHERE failures.material_id = c.material_id
      AND (:all_failures OR failures.note = :standing_failure AND m.structure_json IS NULL
           OR failures.created_at > coalesce(history.restored_at, '-infinity'))
) f ON true
LEFT JOIN LATERAL (
    SELECT v.reason FROM validation_results v
    WHERE v.material_id = c.material_id AND v.supersedes IS NOT NULL
    ORDER BY v.result_id DESC LIMIT 1
) s ON true
WHERE c.partition_key = :partition_key
  AND (c.status IN ('flagged', 'in_validation', 'validated')
       OR c.rejection_kind IN ('poor', 'failed', 'infeasible'))
ORDER BY c.rank
