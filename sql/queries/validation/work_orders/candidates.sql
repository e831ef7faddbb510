-- What a laboratory is asked for: the candidates of a campaign, or of one of its iterations, that wait for an answer.
-- Parameters: campaign, iteration (null: of all).
SELECT c.candidate_id, c.partition_key, r.iteration, c.rank, c.material_id, m.reduced_formula AS formula,
       m.structure_json AS structure, m.n_sites, c.predicted, CAST(c.status AS text) AS status
FROM candidates c
JOIN active_learning_runs r USING (partition_key)
JOIN materials m USING (material_id)
WHERE r.campaign = :campaign AND c.status IN ('flagged', 'in_validation')
  AND (CAST(:iteration AS integer) IS NULL OR r.iteration = CAST(:iteration AS integer))
ORDER BY r.iteration, c.rank
