-- What was decided in the earlier iterations of a campaign; the rules of campaigns/rejections.py judge it.
SELECT c.material_id, r.iteration, c.status, c.rejection_kind
FROM candidates c
JOIN active_learning_runs r ON r.partition_key = c.partition_key
WHERE r.campaign = :campaign AND r.iteration < :iteration AND c.status <> 'ranked'
ORDER BY r.iteration, c.material_id
