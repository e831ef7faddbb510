-- A step that a run has handed to the workers is done by the one process that holds its lease: a message that is
-- delivered twice finds the lease held or the step ended, and whoever watches the run sees what nobody holds.
CREATE TABLE step_leases (
    run_id           text NOT NULL,
    step_key         text NOT NULL,
    attempt          integer NOT NULL CHECK (attempt >= 0),
    queue            text NOT NULL,
    submitted_at     timestamptz NOT NULL DEFAULT now(),
    submissions      integer NOT NULL DEFAULT 1 CHECK (submissions > 0),
    holder           text,
    host             text,
    pid              integer,
    process_started  double precision,
    beat_at          timestamptz,
    takes            integer NOT NULL DEFAULT 0,
    ended_at         timestamptz,
    problem          text,
    PRIMARY KEY (run_id, step_key, attempt),
    CHECK (holder IS NULL OR (host IS NOT NULL AND pid IS NOT NULL AND process_started IS NOT NULL AND beat_at IS NOT NULL))
);
CREATE INDEX step_leases_submitted ON step_leases (submitted_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON step_leases TO catalyst_pipeline;
