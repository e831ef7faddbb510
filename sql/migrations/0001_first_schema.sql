-- The first schema: materials and answers, the loop's record, candidates and their lifecycle.
-- Run as the owner inside one transaction by resources/postgres/migrations.py.

-- Roles are shared by a server's databases, so another database may have made them already.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['catalyst_pipeline', 'catalyst_validator', 'catalyst_app'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION WHEN duplicate_object THEN NULL;
        END;
        EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
    END LOOP;
END $$;

-- Ingestion -------------------------------------------------------------------------------------

CREATE TABLE raw_files (
    raw_file_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source       text NOT NULL,
    url          text NOT NULL,
    request      jsonb NOT NULL DEFAULT '{}',
    sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes   bigint NOT NULL CHECK (size_bytes >= 0),
    licence      text NOT NULL,
    fetched_at   timestamptz NOT NULL DEFAULT now(),
    parse_status text NOT NULL DEFAULT 'pending' CHECK (parse_status IN ('pending', 'parsed', 'failed')),
    parse_note   text,
    UNIQUE (source, url, sha256)
);

CREATE TABLE quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source        text NOT NULL,
    record        text NOT NULL,
    raw_sha256    text NOT NULL,
    reason        text NOT NULL,
    payload       jsonb NOT NULL DEFAULT '{}',
    seen_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (source, raw_sha256, record, reason)
);

CREATE TABLE materials (
    material_id     text PRIMARY KEY,
    reduced_formula text NOT NULL,
    chemical_system text NOT NULL,
    elements        text[] NOT NULL,
    n_sites         integer NOT NULL CHECK (n_sites > 0),
    structure_json  jsonb NOT NULL,
    structure_hash  text NOT NULL,
    -- {"band_gap": [{"value": 1.2, "unit": "eV", "method": "PBE", "source": "…"}]}
    properties      jsonb NOT NULL DEFAULT '{}',
    deprecated      boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX materials_reduced_formula ON materials (reduced_formula);
CREATE INDEX materials_chemical_system ON materials (chemical_system);
CREATE INDEX materials_elements ON materials USING gin (elements);

-- One material may be known to several sources, each under its own name.
CREATE TABLE material_sources (
    source       text NOT NULL,
    source_id    text NOT NULL,
    material_id  text NOT NULL REFERENCES materials,
    raw_sha256   text NOT NULL,
    licence      text NOT NULL,
    retrieved_at timestamptz NOT NULL,
    PRIMARY KEY (source, source_id)
);
CREATE INDEX material_sources_material ON material_sources (material_id);

-- What a reference_table validator answers. Only that validator's role may read it.
CREATE TABLE reference_values (
    source      text NOT NULL,
    material_id text NOT NULL REFERENCES materials,
    property    text NOT NULL,
    method      text NOT NULL,
    value       double precision NOT NULL CHECK (value > '-Infinity' AND value < 'Infinity'),
    unit        text NOT NULL,
    raw_sha256  text NOT NULL,
    PRIMARY KEY (material_id, property, method, source)
);

-- The loop -------------------------------------------------------------------------------------

CREATE TABLE campaigns (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    document    jsonb NOT NULL,
    sha256      text NOT NULL,
    status      text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused', 'finished')),
    stop_reason text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

-- Held out of every training set from the start, to measure the error of each iteration alike.
CREATE TABLE campaign_test_set (
    campaign    text NOT NULL REFERENCES campaigns,
    material_id text NOT NULL REFERENCES materials,
    PRIMARY KEY (campaign, material_id)
);

CREATE TYPE iteration_status AS ENUM ('open', 'ranked', 'closed', 'abandoned');

CREATE TABLE active_learning_runs (
    partition_key       text PRIMARY KEY,
    campaign            text NOT NULL REFERENCES campaigns,
    iteration           integer NOT NULL CHECK (iteration >= 0),
    parent              text REFERENCES active_learning_runs,
    campaign_sha256     text NOT NULL,
    document            jsonb NOT NULL,
    status              iteration_status NOT NULL DEFAULT 'open',
    label_count         integer NOT NULL,
    label_sha256        text NOT NULL,
    training_set_sha256 text,
    model_sha256        text,
    mlflow_run_id       text,
    prediction_version  bigint,
    metrics             jsonb NOT NULL DEFAULT '{}',
    opened_at           timestamptz NOT NULL DEFAULT now(),
    closed_at           timestamptz,
    UNIQUE (campaign, iteration),
    CHECK ((iteration = 0) = (parent IS NULL))
);

-- Membership is frozen when the iteration opens: a watermark would lose late commits.
CREATE TABLE iteration_labels (
    partition_key text NOT NULL REFERENCES active_learning_runs,
    material_id   text NOT NULL REFERENCES materials,
    property      text NOT NULL,
    method        text NOT NULL,
    value         double precision NOT NULL,
    origin        text NOT NULL CHECK (origin IN ('computed', 'validated')),
    PRIMARY KEY (partition_key, material_id, property)
);

CREATE TABLE run_heartbeats (
    run_id           text PRIMARY KEY,
    host             text NOT NULL,
    pid              integer NOT NULL,
    process_started  double precision NOT NULL,
    beat_at          timestamptz NOT NULL DEFAULT now()
);

-- Predictions ----------------------------------------------------------------------------------

CREATE TABLE prediction_versions (
    version       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition_key text NOT NULL REFERENCES active_learning_runs,
    model_sha256  text NOT NULL,
    pool_sha256   text NOT NULL,
    properties    text[] NOT NULL,
    n_draws       integer NOT NULL CHECK (n_draws > 0),
    status        text NOT NULL DEFAULT 'staging' CHECK (status IN ('staging', 'current', 'superseded')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT prediction_version_key UNIQUE (partition_key, model_sha256, pool_sha256)
);
ALTER TABLE active_learning_runs
    ADD FOREIGN KEY (prediction_version) REFERENCES prediction_versions;

-- mean, std: one entry a property, in the order of prediction_versions.properties.
-- draws: little-endian float32 of shape (n_draws, n_properties), row-major: joint samples.
CREATE TABLE predictions (
    version     bigint NOT NULL REFERENCES prediction_versions,
    material_id text NOT NULL REFERENCES materials,
    mean        double precision[] NOT NULL,
    std         double precision[] NOT NULL,
    draws       bytea NOT NULL,
    PRIMARY KEY (version, material_id)
) PARTITION BY LIST (version);

-- Start or restart a version: the same model over the same pool is the same version.
-- A promoted version is complete, so its rows stay and the caller has nothing to write.
CREATE FUNCTION open_prediction_version(
    p_partition_key text, p_model_sha256 text, p_pool_sha256 text, p_properties text[], p_n_draws integer
) RETURNS TABLE (version bigint, status text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    opened prediction_versions%ROWTYPE;
    child text;
BEGIN
    INSERT INTO prediction_versions (partition_key, model_sha256, pool_sha256, properties, n_draws)
    VALUES (p_partition_key, p_model_sha256, p_pool_sha256, p_properties, p_n_draws)
    ON CONFLICT ON CONSTRAINT prediction_version_key DO NOTHING;
    SELECT * INTO STRICT opened FROM prediction_versions v
    WHERE v.partition_key = p_partition_key AND v.model_sha256 = p_model_sha256
      AND v.pool_sha256 = p_pool_sha256
    FOR UPDATE;
    child := format('predictions_%s', opened.version);
    IF to_regclass(child) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE predictions INCLUDING ALL)', child);
        -- Attaching locks out other attachers only; CREATE … PARTITION OF would block readers.
        EXECUTE format('ALTER TABLE predictions ATTACH PARTITION %I FOR VALUES IN (%s)', child, opened.version);
    END IF;
    RETURN QUERY SELECT opened.version, opened.status;
END $$;

-- Make a version the one its iteration shows; its predecessor's rows stay for reproducing old rankings.
CREATE FUNCTION promote_prediction_version(p_version bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    key text;
BEGIN
    SELECT partition_key INTO STRICT key FROM prediction_versions WHERE version = p_version FOR UPDATE;
    UPDATE prediction_versions SET status = 'superseded'
    WHERE partition_key = key AND status = 'current' AND version <> p_version;
    UPDATE prediction_versions SET status = 'current' WHERE version = p_version;
    UPDATE active_learning_runs SET prediction_version = p_version WHERE partition_key = key;
END $$;

-- Candidates -----------------------------------------------------------------------------------

-- What it takes to reproduce a ranking: recorded seed and hashes.
CREATE TABLE rankings (
    partition_key      text PRIMARY KEY REFERENCES active_learning_runs,
    prediction_version bigint NOT NULL REFERENCES prediction_versions,
    strategy           text NOT NULL,
    exploration_weight double precision NOT NULL CHECK (exploration_weight BETWEEN 0 AND 1),
    batch_size         integer NOT NULL CHECK (batch_size > 0),
    seed               bigint NOT NULL,
    label_sha256       text NOT NULL,
    features_sha256    text NOT NULL,
    ranking_sha256     text NOT NULL,
    created_at         timestamptz NOT NULL DEFAULT now()
);

CREATE TYPE candidate_status AS ENUM ('ranked', 'flagged', 'in_validation', 'validated', 'rejected');

CREATE TABLE candidates (
    candidate_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition_key  text NOT NULL REFERENCES rankings,
    material_id    text NOT NULL REFERENCES materials,
    rank           integer NOT NULL CHECK (rank > 0),
    acquisition    double precision NOT NULL,
    -- chance that every criterion holds; null for a campaign with an objective
    feasibility    double precision CHECK (feasibility BETWEEN 0 AND 1),
    -- {"band_gap_direct": {"mean": 1.4, "std": 0.3, "unit": "eV"}}
    predicted      jsonb NOT NULL,
    status         candidate_status NOT NULL DEFAULT 'ranked',
    updated_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (partition_key, material_id),
    UNIQUE (partition_key, rank)
);
CREATE INDEX candidates_status ON candidates (status);
CREATE INDEX candidates_material ON candidates (material_id);

CREATE TABLE candidate_events (
    event_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    candidate_id bigint NOT NULL REFERENCES candidates,
    from_status  candidate_status,
    to_status    candidate_status NOT NULL,
    actor        text NOT NULL CHECK (actor <> ''),
    reason       text NOT NULL DEFAULT '',
    at           timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX candidate_events_candidate ON candidate_events (candidate_id, event_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER candidate_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON candidate_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The lifecycle holds whoever writes, the owner too: the trigger knows the legal steps and records them.
CREATE FUNCTION record_candidate_status() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    who text := coalesce(nullif(current_setting('catalyst.actor', true), ''), session_user);
    why text := coalesce(current_setting('catalyst.reason', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'ranked' THEN
            RAISE EXCEPTION 'a candidate starts as ranked, not as %', NEW.status USING ERRCODE = 'check_violation';
        END IF;
        INSERT INTO candidate_events (candidate_id, from_status, to_status, actor, reason)
        VALUES (NEW.candidate_id, NULL, NEW.status, who, why);
        RETURN NEW;
    END IF;
    IF (NEW.partition_key, NEW.material_id) IS DISTINCT FROM (OLD.partition_key, OLD.material_id) THEN
        RAISE EXCEPTION 'a candidate keeps its material and iteration' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    IF NOT (OLD.status, NEW.status) IN (
        ('ranked', 'flagged'), ('ranked', 'rejected'),
        ('flagged', 'in_validation'), ('flagged', 'rejected'),
        ('in_validation', 'validated'), ('in_validation', 'rejected')
    ) THEN
        RAISE EXCEPTION 'candidate % cannot go from % to %', OLD.candidate_id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation',
                  HINT = 'ranked, then flagged, then in_validation, then validated; rejected from any but validated';
    END IF;
    IF NEW.status = 'rejected' AND why = '' THEN
        RAISE EXCEPTION 'rejecting candidate % needs a reason', OLD.candidate_id USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO candidate_events (candidate_id, from_status, to_status, actor, reason)
    VALUES (NEW.candidate_id, OLD.status, NEW.status, who, why);
    RETURN NEW;
END $$;
CREATE TRIGGER candidates_lifecycle AFTER INSERT OR UPDATE ON candidates
    FOR EACH ROW EXECUTE FUNCTION record_candidate_status();

CREATE FUNCTION refuse_delete_of_candidate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'candidates are kept for ever: reject them instead' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER candidates_kept BEFORE DELETE ON candidates
    FOR EACH ROW EXECUTE FUNCTION refuse_delete_of_candidate();

-- The one way by which any role moves a candidate. Returns false when it was there already.
CREATE FUNCTION transition_candidate(
    p_candidate_id bigint, p_to candidate_status, p_actor text, p_reason text DEFAULT ''
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    current_status candidate_status;
BEGIN
    IF coalesce(p_actor, '') = '' THEN
        RAISE EXCEPTION 'a transition names who made it' USING ERRCODE = 'check_violation';
    END IF;
    SELECT status INTO current_status FROM candidates WHERE candidate_id = p_candidate_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no candidate %', p_candidate_id USING ERRCODE = 'no_data_found';
    END IF;
    IF current_status = p_to THEN
        RETURN false;
    END IF;
    PERFORM set_config('catalyst.actor', p_actor, true), set_config('catalyst.reason', coalesce(p_reason, ''), true);
    UPDATE candidates SET status = p_to, updated_at = now() WHERE candidate_id = p_candidate_id;
    PERFORM set_config('catalyst.actor', '', true), set_config('catalyst.reason', '', true);
    RETURN true;
END $$;

-- Validation -----------------------------------------------------------------------------------

CREATE TABLE validation_results (
    result_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition_key text NOT NULL REFERENCES active_learning_runs,
    material_id   text NOT NULL REFERENCES materials,
    property      text NOT NULL,
    method        text NOT NULL,
    outcome       text NOT NULL CHECK (outcome IN ('measured', 'failed')),
    value         double precision CHECK (value > '-Infinity' AND value < 'Infinity'),
    unit          text NOT NULL,
    note          text NOT NULL DEFAULT '',
    validator     text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (partition_key, material_id, property, method),
    CHECK ((outcome = 'measured') = (value IS NOT NULL))
);
CREATE INDEX validation_results_material ON validation_results (material_id);

-- Grants ---------------------------------------------------------------------------------------

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO catalyst_pipeline, catalyst_validator, catalyst_app;

GRANT SELECT, INSERT, UPDATE ON raw_files, materials, material_sources, campaigns, active_learning_runs,
    rankings, run_heartbeats TO catalyst_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE ON quarantine, campaign_test_set, iteration_labels, predictions
    TO catalyst_pipeline;
GRANT SELECT ON prediction_versions, candidate_events, validation_results TO catalyst_pipeline;
GRANT SELECT, INSERT ON candidates TO catalyst_pipeline;
GRANT UPDATE (rank, acquisition, feasibility, predicted, updated_at) ON candidates TO catalyst_pipeline;
GRANT DELETE ON run_heartbeats TO catalyst_pipeline;

GRANT SELECT ON materials, material_sources, campaigns, campaign_test_set, active_learning_runs,
    prediction_versions, predictions, candidates, candidate_events TO catalyst_validator;
GRANT SELECT, INSERT, UPDATE ON reference_values, validation_results TO catalyst_validator;

GRANT SELECT ON raw_files, quarantine, materials, material_sources, campaigns, campaign_test_set,
    active_learning_runs, iteration_labels, prediction_versions, predictions, rankings, candidates,
    candidate_events, validation_results TO catalyst_app;

GRANT EXECUTE ON FUNCTION open_prediction_version, promote_prediction_version TO catalyst_pipeline;
GRANT EXECUTE ON FUNCTION transition_candidate TO catalyst_pipeline, catalyst_validator, catalyst_app;
