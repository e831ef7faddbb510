-- The loop looks often: what has features, and what each campaign waits for, is told by the database.

-- Which structures lie in the feature store, so that counting those that do not opens no shard. A set is the features of
-- one backbone, computed by one version of the code; noted_at moves whenever structures come or go.
CREATE TABLE IF NOT EXISTS feature_sets (
    feature_set integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint text NOT NULL,
    version     integer NOT NULL,
    noted_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (fingerprint, version)
);
CREATE TABLE IF NOT EXISTS structure_features (
    feature_set    integer NOT NULL REFERENCES feature_sets,
    structure_hash text NOT NULL,
    PRIMARY KEY (feature_set, structure_hash)
);
CREATE INDEX IF NOT EXISTS materials_structures_in_use ON materials (structure_hash) WHERE NOT deprecated;

-- The pool of an iteration is what has features when it opens; its list lies in the object store under this hash.
ALTER TABLE active_learning_runs ADD COLUMN IF NOT EXISTS pool_sha256 text;

-- What each campaign waits for, since when, what was tried last and when it is tried again. The loop rewrites the row
-- when what it waits for changes, and removes it when it goes on.
CREATE TABLE IF NOT EXISTS campaign_waits (
    campaign      text PRIMARY KEY REFERENCES campaigns,
    waits_on      text NOT NULL,
    subject       text NOT NULL,
    reason        text NOT NULL,
    remedy        text NOT NULL DEFAULT '',
    since         timestamptz NOT NULL DEFAULT now(),
    failed_run_id text,
    failure       text,
    failed_at     timestamptz,
    next_try_at   timestamptz
);

-- A person asks to try again at once; what the loop's last request was made under, to see whether anything changed since.
ALTER TABLE campaigns
    ADD COLUMN IF NOT EXISTS retry_requested_at timestamptz,
    ADD COLUMN IF NOT EXISTS tried_under text;

GRANT SELECT, INSERT, UPDATE ON feature_sets TO catalyst_pipeline;
GRANT SELECT, INSERT, DELETE ON structure_features TO catalyst_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE ON campaign_waits TO catalyst_pipeline;
GRANT SELECT ON feature_sets, structure_features, campaign_waits TO catalyst_app;
