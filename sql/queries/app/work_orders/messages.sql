-- What another system was told of a campaign's batches, the newest first.
-- :campaign, :limit
SELECT m.message_id, r.iteration, cardinality(m.event_ids) AS candidates, m.attempts, m.created_at, m.delivered_at,
    CASE WHEN m.delivered_at IS NULL AND m.attempts < :most_attempts THEN m.next_attempt_at END AS next_attempt_at, m.failure
FROM work_order_messages m
JOIN active_learning_runs r USING (partition_key)
WHERE r.campaign = :campaign
ORDER BY m.created_at DESC, m.message_id
LIMIT :limit
