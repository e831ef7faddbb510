-- What became of a material in every campaign, oldest first.
-- :material_id
SELECT e.event_id, k.candidate_id, r.campaign, r.iteration, e.from_status, e.to_status, e.actor, e.reason,
       e.rejection_kind, e.at
FROM candidates k
JOIN active_learning_runs r USING (partition_key)
JOIN candidate_events e USING (candidate_id)
WHERE k.material_id = :material_id
ORDER BY e.event_id
