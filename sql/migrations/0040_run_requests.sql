-- Which daemon requests which run: Dagster looks whether a run key is taken and then makes the run, so that two daemons may both make it.

CREATE TABLE run_requests (
    run_key      text PRIMARY KEY CHECK (run_key <> ''),
    requested_by text NOT NULL CHECK (requested_by <> ''),
    requested_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX run_requests_age ON run_requests (requested_at);
COMMENT ON TABLE run_requests IS 'The runs that the loop asked Dagster for in the last day, and which process asked.';
COMMENT ON COLUMN run_requests.run_key IS 'Names the run: its partition, job and attempt.';
COMMENT ON COLUMN run_requests.requested_by IS 'The process that looked: it may ask again, another one after a pause.';
COMMENT ON COLUMN run_requests.requested_at IS 'When it asked last.';
GRANT SELECT, INSERT, UPDATE, DELETE ON run_requests TO catalyst_pipeline;
