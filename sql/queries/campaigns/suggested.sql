-- What an iteration suggests and nobody has answered: first what was flagged or is being validated, then the best.
SELECT c.material_id, m.reduced_formula, c.rank, c.status, c.feasibility, c.predicted
FROM candidates c
JOIN materials m ON m.material_id = c.material_id
WHERE c.partition_key = :partition_key AND c.status IN ('ranked', 'flagged', 'in_validation')
ORDER BY c.status = 'ranked', c.rank
LIMIT :most
