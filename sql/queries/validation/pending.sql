SELECT c.candidate_id, c.material_id, c.rank, c.predicted, c.status
FROM candidates c
WHERE c.partition_key = :partition_key AND c.status IN ('flagged', 'in_validation')
ORDER BY c.rank
