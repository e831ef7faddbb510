-- The structures behind candidates.
-- :candidate_ids
SELECT k.candidate_id, m.structure_json AS structure
FROM candidates k JOIN materials m USING (material_id)
WHERE k.candidate_id = ANY (CAST(:candidate_ids AS bigint[]))
