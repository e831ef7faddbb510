-- Materials a campaign never proposes again: answered, or declined by a reviewer in an earlier turn.
SELECT DISTINCT c.material_id
FROM candidates c
JOIN active_learning_runs r ON r.partition_key = c.partition_key
WHERE r.campaign = :campaign AND r.iteration < :iteration AND c.status <> 'ranked'
ORDER BY c.material_id
