-- How the candidates of some iterations stand.
-- Parameters: partition_keys (text array).
SELECT c.candidate_id, r.campaign, c.material_id, m.reduced_formula AS formula,
       CAST(c.status AS text) || coalesce(' (' || CAST(c.rejection_kind AS text) || ')', '') AS status
FROM candidates c
JOIN active_learning_runs r USING (partition_key)
JOIN materials m USING (material_id)
WHERE c.partition_key = ANY (CAST(:partition_keys AS text[]))
ORDER BY c.candidate_id
