-- The structure behind a candidate.
-- :candidate_id
SELECT m.structure_json AS structure
FROM candidates k JOIN materials m USING (material_id)
WHERE k.candidate_id = :candidate_id;
