-- Parameters: message_id, failure (empty when its receiver took it), pause_seconds until it is sent again.
UPDATE work_order_messages
SET delivered_at = CASE WHEN CAST(:failure AS text) = '' THEN now() END,
    failure = :failure,
    next_attempt_at = now() + make_interval(secs => :pause_seconds)
WHERE message_id = :message_id AND delivered_at IS NULL
