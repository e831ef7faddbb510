-- Which of some materials are candidates of an iteration.
-- :partition_key, :material_ids
SELECT k.material_id, k.candidate_id, k.rank, k.status
FROM candidates k
WHERE k.partition_key = :partition_key AND k.material_id = ANY (CAST(:material_ids AS text[]));
