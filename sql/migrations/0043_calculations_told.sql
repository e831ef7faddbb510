-- Who follows changes is told of calculations, too: once in every campaign whose candidate one answers for.

CREATE FUNCTION publish_calculation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM publish_change('calculation.' || NEW.status, its.campaign, jsonb_build_object(
        'job_id', NEW.job_id, 'material_id', NEW.material_id, 'validator', NEW.validator, 'method', NEW.method,
        'attempt', NEW.attempt, 'problem', NEW.reason))
    FROM (
        SELECT DISTINCT r.campaign
        FROM candidates c
        JOIN active_learning_runs r USING (partition_key)
        JOIN campaigns g ON g.name = r.campaign
        WHERE c.material_id = NEW.material_id AND c.status <> 'ranked'
          AND g.document ->> 'validator' = NEW.validator AND g.document ->> 'method' = NEW.method
        ORDER BY r.campaign
    ) its;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION publish_calculation FROM PUBLIC;

CREATE CONSTRAINT TRIGGER validation_jobs_asked AFTER INSERT ON validation_jobs
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_calculation();
CREATE CONSTRAINT TRIGGER validation_jobs_published AFTER UPDATE ON validation_jobs
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((NEW.status, NEW.attempt) IS DISTINCT FROM (OLD.status, OLD.attempt)) EXECUTE FUNCTION publish_calculation();

-- How long finished calculations took is asked for with every look at those that run.
CREATE INDEX validation_jobs_over ON validation_jobs (validator, method, finished_at) WHERE status = 'done';
