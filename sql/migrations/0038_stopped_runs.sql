-- Who had a run stopped by the API: Dagster notes that it was canceled, not by whom.

CREATE TABLE run_stops (
    stop_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id   text NOT NULL CHECK (length(run_id) = 36),
    actor    text NOT NULL CHECK (actor <> '' AND length(actor) <= 200),
    asked_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX run_stops_run ON run_stops (run_id);
COMMENT ON TABLE run_stops IS 'Who had which run of Dagster stopped by the API.';
COMMENT ON COLUMN run_stops.stop_id IS 'Its number; later ones are larger.';
COMMENT ON COLUMN run_stops.run_id IS 'The run.';
COMMENT ON COLUMN run_stops.actor IS 'Who asked.';
COMMENT ON COLUMN run_stops.asked_at IS 'When.';
CREATE TRIGGER run_stops_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON run_stops
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT (run_id, actor) ON run_stops TO catalyst_app;
