-- An upload is taken once its candidates were compared with what is known: until then one may turn out to be known.

CREATE OR REPLACE FUNCTION publish_upload() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    its_problem text := nullif(NEW.problem, '');
BEGIN
    IF its_problem IS NULL THEN
        SELECT r.parse_note INTO its_problem FROM raw_files r
        WHERE r.source = 'uploads' AND r.url = 'uploads:' || NEW.upload_id AND r.sha256 = NEW.sha256 AND r.parse_status = 'failed';
    END IF;
    PERFORM publish_change(
        CASE WHEN NEW.taken_at IS NULL THEN 'upload.sent' WHEN its_problem IS NULL THEN 'upload.taken' ELSE 'upload.failed' END,
        NULL, jsonb_build_object('upload_id', NEW.upload_id, 'actor', NEW.author, 'problem', its_problem));
    RETURN NULL;
END $$;
DROP TRIGGER uploads_read ON raw_files;
DROP TRIGGER uploads_failed ON uploads;
CREATE CONSTRAINT TRIGGER uploads_taken AFTER UPDATE ON uploads
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((NEW.taken_at IS NULL) <> (OLD.taken_at IS NULL))
    EXECUTE FUNCTION publish_upload();

COMMENT ON COLUMN uploads.taken_at IS 'When its candidates were in the pool, compared with what is known; none while it waits.';
