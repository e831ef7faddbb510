-- Candidates by their numbers, with the iteration and the material of each.
-- Parameters: candidate_ids (bigint array).
SELECT c.candidate_id, c.partition_key, r.campaign, r.iteration, c.material_id, m.reduced_formula,
       coalesce(m.same_as, m.material_id) AS stands_for, CAST(c.status AS text) AS status,
       r.document ->> 'method' AS method, r.document ->> 'validator' AS validator
FROM candidates c
JOIN active_learning_runs r USING (partition_key)
JOIN materials m USING (material_id)
WHERE c.candidate_id = ANY (CAST(:candidate_ids AS bigint[]))
