-- In Dagster's own database: a run that has ended stays as it ended, whatever a process of it that was asleep says.
SELECT pg_advisory_xact_lock(hashtextextended('catalyst guard', 0));

CREATE OR REPLACE FUNCTION public.catalyst_keep_final_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION public.catalyst_refuse_late_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ended text;
BEGIN
    SELECT status INTO ended FROM public.runs
    WHERE run_id = NEW.run_id AND status IN ('FAILURE', 'CANCELED');
    IF FOUND THEN
        RAISE EXCEPTION 'run % has ended as %, so it does nothing more', NEW.run_id, ended USING ERRCODE = 'CF001';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER catalyst_keep_final_status BEFORE UPDATE OF status ON public.runs FOR EACH ROW
WHEN (OLD.status IN ('SUCCESS', 'FAILURE', 'CANCELED') AND NEW.status IS DISTINCT FROM OLD.status)
EXECUTE FUNCTION public.catalyst_keep_final_status();

CREATE OR REPLACE TRIGGER catalyst_refuse_late_event BEFORE INSERT ON public.event_logs FOR EACH ROW
WHEN (NEW.dagster_event_type IN (
    'STEP_START', 'STEP_SUCCESS', 'STEP_OUTPUT', 'ASSET_MATERIALIZATION', 'ASSET_OBSERVATION',
    'ASSET_CHECK_EVALUATION', 'PIPELINE_SUCCESS'
))
EXECUTE FUNCTION public.catalyst_refuse_late_event();

COMMENT ON FUNCTION public.catalyst_refuse_late_event IS 'catalyst 1';
