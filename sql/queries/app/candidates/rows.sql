-- Candidates in the order asked for.
-- :candidate_ids
SELECT
    k.candidate_id, r.campaign, r.iteration, k.partition_key, k.material_id,
    m.reduced_formula AS formula, m.chemical_system, k.rank, k.acquisition, k.feasibility,
    k.predicted, k.status, k.rejection_kind, k.version, k.updated_at
FROM unnest(CAST(:candidate_ids AS bigint[])) WITH ORDINALITY AS page (candidate_id, number)
JOIN candidates k USING (candidate_id)
JOIN active_learning_runs r USING (partition_key)
JOIN materials m USING (material_id)
ORDER BY page.number
