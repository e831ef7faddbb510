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
