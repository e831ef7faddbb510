-- Parameters: message_id, partition_key, event_ids (bigint array), body.
INSERT INTO work_order_messages (message_id, partition_key, event_ids, body)
VALUES (:message_id, :partition_key, CAST(:event_ids AS bigint[]), :body)
ON CONFLICT (message_id) DO NOTHING
