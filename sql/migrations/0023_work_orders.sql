-- Messages to another system that a batch waits for a laboratory: each kept until it was delivered, and sent as it was.
CREATE TABLE work_order_messages (
    message_id      text PRIMARY KEY,
    partition_key   text NOT NULL REFERENCES active_learning_runs,
    -- the events by which its candidates were flagged: what is flagged again after a failure is announced again
    event_ids       bigint[] NOT NULL CHECK (cardinality(event_ids) > 0),
    body            text NOT NULL,
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    delivered_at    timestamptz,
    failure         text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX work_order_messages_partition ON work_order_messages (partition_key);
CREATE INDEX work_order_messages_open ON work_order_messages (next_attempt_at) WHERE delivered_at IS NULL;

GRANT SELECT, INSERT ON work_order_messages TO catalyst_pipeline;
GRANT UPDATE (attempts, next_attempt_at, delivered_at, failure) ON work_order_messages TO catalyst_pipeline;
GRANT SELECT ON work_order_messages TO catalyst_app;

COMMENT ON TABLE work_order_messages IS 'A message to another system that candidates wait for a laboratory.';
COMMENT ON COLUMN work_order_messages.message_id IS 'By which its receiver tells that it comes a second time.';
COMMENT ON COLUMN work_order_messages.partition_key IS 'The iteration: campaign, two underscores, number.';
COMMENT ON COLUMN work_order_messages.event_ids IS 'The events by which its candidates were flagged.';
COMMENT ON COLUMN work_order_messages.body IS 'What is sent, as JSON.';
COMMENT ON COLUMN work_order_messages.attempts IS 'How often it was sent.';
COMMENT ON COLUMN work_order_messages.next_attempt_at IS 'When it is sent next, unless it was delivered.';
COMMENT ON COLUMN work_order_messages.delivered_at IS 'When its receiver took it.';
COMMENT ON COLUMN work_order_messages.failure IS 'Why the last attempt failed.';
COMMENT ON COLUMN work_order_messages.created_at IS 'When its batch was complete.';
