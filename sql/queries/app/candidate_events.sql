-- The history of a candidate, oldest first.
-- :candidate_id
SELECT event_id, from_status, to_status, actor, reason, rejection_kind, at
FROM candidate_events
WHERE candidate_id = :candidate_id
ORDER BY event_id;
