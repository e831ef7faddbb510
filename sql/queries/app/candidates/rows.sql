-- Candidates in the order asked for.
-- :candidate_ids
SELECT
    k.candidate_id, r.campaign, r.iteration, k.partition_key, k.material_id,
    m.reduced_formula AS formula, m.chemical_system, k.rank, k.acquisition, k.feasibility,
    k.predicted, k.status, k.rejection_kind, k.version, k.updated_at, moved.step AS moved, flagged.step AS flagged
FROM unnest(CAST(:candidate_ids AS bigint[])) WITH ORDINALITY AS page (candidate_id, number)
JOIN candidates k USING (candidate_id)
JOIN active_learning_runs r USING (partition_key)
JOIN materials m USING (material_id)
LEFT JOIN LATERAL (
    SELECT jsonb_build_object('actor', e.actor, 'at', e.at, 'reason', e.reason) AS step
    FROM candidate_events e WHERE e.candidate_id = k.candidate_id ORDER BY e.event_id DESC LIMIT 1
) moved ON true
LEFT JOIN LATERAL (
    SELECT jsonb_build_object('actor', e.actor, 'at', e.at, 'reason', e.reason) AS step
    FROM candidate_events e
    WHERE k.status <> 'ranked' AND e.candidate_id = k.candidate_id AND e.to_status = 'flagged'
    ORDER BY e.event_id DESC LIMIT 1
) flagged ON true
ORDER BY page.number
