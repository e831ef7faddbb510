-- What an iteration opened with stays as it was, for the role that computes too.

CREATE FUNCTION refuse_late_labels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- An iteration and its labels are written by one transaction, which has one time.
    IF NOT pg_has_role(current_user, 'catalyst_owner', 'USAGE') AND EXISTS (
        SELECT 1 FROM (SELECT DISTINCT partition_key FROM added) late
        JOIN active_learning_runs r USING (partition_key) WHERE r.opened_at <> now()
    ) THEN
        RAISE EXCEPTION 'the labels of an iteration are frozen when it opens' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION refuse_late_labels FROM PUBLIC;
CREATE TRIGGER iteration_labels_frozen AFTER INSERT ON iteration_labels REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_labels();

REVOKE UPDATE ON active_learning_runs FROM catalyst_pipeline;
GRANT UPDATE (status, training_set_sha256, model_sha256, mlflow_run_id, prediction_version, metrics, settled, closed_at)
    ON active_learning_runs TO catalyst_pipeline;
