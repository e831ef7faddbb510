-- Raw data that laboratories send beside their results. The bytes lie in the object store under their hash.

CREATE TABLE attachments (
    sha256      text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    name        text NOT NULL CHECK (name <> ''),
    media_type  text NOT NULL,
    size_bytes  bigint NOT NULL CHECK (size_bytes > 0),
    uploaded_by text NOT NULL CHECK (uploaded_by <> ''),
    uploaded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE attachments IS 'A file of raw data that somebody sent; results name it as their attachment.';
COMMENT ON COLUMN attachments.sha256 IS 'Hash of the file.';
COMMENT ON COLUMN attachments.name IS 'Its name where it came from.';
COMMENT ON COLUMN attachments.media_type IS 'What it was sent as.';
COMMENT ON COLUMN attachments.size_bytes IS 'Its size.';
COMMENT ON COLUMN attachments.uploaded_by IS 'Who sent it first.';
COMMENT ON COLUMN attachments.uploaded_at IS 'When.';
GRANT SELECT, INSERT ON attachments TO catalyst_app;
GRANT SELECT ON attachments TO catalyst_pipeline, catalyst_validator;
