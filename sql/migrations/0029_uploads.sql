-- What people upload as candidates of their own. The bytes lie in the raw cache under their hash; the pipeline takes them.

CREATE TABLE uploads (
    upload_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256      text NOT NULL UNIQUE CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    author      text NOT NULL CHECK (author <> ''),
    prototype   text NOT NULL DEFAULT '',
    files       jsonb NOT NULL,
    size_bytes  bigint NOT NULL CHECK (size_bytes > 0),
    uploaded_at timestamptz NOT NULL DEFAULT now(),
    taken_at    timestamptz,
    places      text[] NOT NULL DEFAULT '{}',
    problem     text NOT NULL DEFAULT ''
);
CREATE INDEX uploads_waiting ON uploads (upload_id) WHERE taken_at IS NULL;
CREATE INDEX material_sources_raw ON material_sources (raw_sha256) WHERE source = 'uploads';

GRANT SELECT, INSERT, UPDATE (taken_at, problem) ON uploads TO catalyst_app;
GRANT SELECT, INSERT, UPDATE (taken_at, places, problem) ON uploads TO catalyst_pipeline;
GRANT SELECT ON uploads TO catalyst_validator;
GRANT SELECT ON closed_sources TO catalyst_app;

-- Subscribers of the API are told when something is sent, and when it was read.
CREATE FUNCTION publish_upload() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    its record;
    problem text;
BEGIN
    SELECT upload_id, author INTO its FROM uploads WHERE sha256 = NEW.sha256;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF TG_TABLE_NAME = 'uploads' THEN
        problem := nullif(NEW.problem, '');
    ELSIF NEW.parse_status = 'failed' THEN
        problem := NEW.parse_note;
    END IF;
    PERFORM publish_change(
        CASE WHEN problem IS NOT NULL THEN 'upload.failed' WHEN TG_TABLE_NAME = 'uploads' THEN 'upload.sent' ELSE 'upload.taken' END,
        NULL, jsonb_build_object('upload_id', its.upload_id, 'actor', its.author, 'problem', problem));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION publish_upload FROM PUBLIC;
CREATE CONSTRAINT TRIGGER uploads_sent AFTER INSERT ON uploads
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_upload();
CREATE CONSTRAINT TRIGGER uploads_failed AFTER UPDATE ON uploads
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.problem <> '' AND OLD.problem = '') EXECUTE FUNCTION publish_upload();
CREATE CONSTRAINT TRIGGER uploads_read AFTER UPDATE ON raw_files
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.source = 'uploads' AND NEW.parse_status <> 'pending' AND NEW.parse_status <> OLD.parse_status)
    EXECUTE FUNCTION publish_upload();

COMMENT ON TABLE uploads IS 'Candidates that somebody uploaded: the files of one request, or of one command.';
COMMENT ON COLUMN uploads.upload_id IS 'Number of the upload; its candidates are named by it.';
COMMENT ON COLUMN uploads.sha256 IS 'Hash of what was sent and by whom: the same again is the same upload. Also that of its raw file.';
COMMENT ON COLUMN uploads.author IS 'Who uploaded it.';
COMMENT ON COLUMN uploads.prototype IS 'The prototype that its lists of formulas are put on; empty where it has none.';
COMMENT ON COLUMN uploads.files IS 'Name and size of each file.';
COMMENT ON COLUMN uploads.size_bytes IS 'Size of all files together.';
COMMENT ON COLUMN uploads.uploaded_at IS 'When it was uploaded.';
COMMENT ON COLUMN uploads.taken_at IS 'When ingestion took it over; none while it waits.';
COMMENT ON COLUMN uploads.places IS 'Where each of its candidates stands: the file, and the block or line in it.';
COMMENT ON COLUMN uploads.problem IS 'Why none of it could be taken; empty where that was possible.';
