-- Where COPY puts what a shard refused.
CREATE TEMPORARY TABLE staged_quarantine (
    record  text NOT NULL,
    reason  text NOT NULL,
    payload jsonb NOT NULL
) ON COMMIT DROP;
