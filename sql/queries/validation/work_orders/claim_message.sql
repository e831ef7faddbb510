-- Take one message that is due; nobody else sends it meanwhile.
-- Parameters: most_attempts, lease_seconds.
UPDATE work_order_messages m
SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => :lease_seconds)
WHERE m.message_id = (
    SELECT message_id FROM work_order_messages
    WHERE delivered_at IS NULL AND next_attempt_at <= now() AND attempts < :most_attempts
    ORDER BY created_at, message_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING m.message_id, m.body, m.attempts
