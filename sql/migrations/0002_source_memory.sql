-- What a source that is read in increments remembers between refreshes: how far it got, and since when it asks.
CREATE TABLE source_memory (
    source     text PRIMARY KEY,
    memory     jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT, UPDATE ON source_memory TO catalyst_pipeline;
GRANT SELECT ON source_memory TO catalyst_app;
