-- What validation answers is a ledger: rows are added, corrected and retracted by later rows, and never changed.

-- Which file, request or validator rows came by.
CREATE TABLE result_submissions (
    submission_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256        text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    name          text NOT NULL,
    channel       text NOT NULL CHECK (channel IN ('api', 'file', 'folder', 'form', 'validator')),
    submitted_by  text NOT NULL CHECK (submitted_by <> ''),
    submitted_at  timestamptz NOT NULL DEFAULT now(),
    n_rows        integer NOT NULL CHECK (n_rows >= 0)
);

DO $$
DECLARE
    held text;
BEGIN
    FOR held IN
        SELECT conname FROM pg_constraint
        WHERE conrelid = 'validation_results'::regclass
          AND (contype = 'u' OR contype = 'c' AND conname IN ('validation_results_outcome_check', 'validation_results_check'))
    LOOP
        EXECUTE format('ALTER TABLE validation_results DROP CONSTRAINT %I', held);
    END LOOP;
END $$;

ALTER TABLE validation_results
    ALTER COLUMN partition_key DROP NOT NULL,
    ALTER COLUMN property DROP NOT NULL,
    ALTER COLUMN unit DROP NOT NULL,
    ADD COLUMN standard_deviation double precision CHECK (standard_deviation >= 0 AND standard_deviation < 'Infinity'),
    ADD COLUMN sample text NOT NULL DEFAULT '',
    ADD COLUMN batch text NOT NULL DEFAULT '',
    ADD COLUMN replicate integer NOT NULL DEFAULT 1 CHECK (replicate > 0),
    ADD COLUMN conditions jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(conditions) = 'object'),
    ADD COLUMN synthesis text CHECK (synthesis IN ('succeeded', 'failed')),
    ADD COLUMN operator text NOT NULL DEFAULT '',
    ADD COLUMN measured_on date,
    ADD COLUMN attachment text NOT NULL DEFAULT '',
    ADD COLUMN submitted_by text NOT NULL DEFAULT session_user CHECK (submitted_by <> ''),
    ADD COLUMN submission_id bigint REFERENCES result_submissions,
    ADD COLUMN supersedes bigint UNIQUE REFERENCES validation_results,
    ADD COLUMN reason text NOT NULL DEFAULT '',
    ADD CONSTRAINT validation_results_outcome CHECK (outcome IN ('measured', 'failed', 'retracted')),
    ADD CONSTRAINT validation_results_measured CHECK (
        (outcome = 'measured') = (value IS NOT NULL)
        AND (outcome <> 'measured' OR property IS NOT NULL AND unit IS NOT NULL)
        AND (outcome = 'measured' OR standard_deviation IS NULL)),
    ADD CONSTRAINT validation_results_synthesis CHECK (synthesis IS DISTINCT FROM 'failed' OR outcome <> 'measured'),
    ADD CONSTRAINT validation_results_retracts CHECK (outcome <> 'retracted' OR supersedes IS NOT NULL),
    ADD CONSTRAINT validation_results_says_why CHECK ((supersedes IS NULL) = (reason = ''));

-- What is the same result: a second row of it must supersede the first.
CREATE UNIQUE INDEX validation_results_identity ON validation_results
    (coalesce(partition_key, ''), material_id, coalesce(property, ''), method, validator, sample, batch, replicate)
    WHERE supersedes IS NULL;
CREATE INDEX validation_results_partition ON validation_results (partition_key);

CREATE FUNCTION check_superseding() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before validation_results%ROWTYPE;
BEGIN
    SELECT * INTO before FROM validation_results WHERE result_id = NEW.supersedes;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no result % to supersede', NEW.supersedes USING ERRCODE = 'check_violation';
    END IF;
    IF (before.partition_key, before.material_id, before.property, before.method, before.validator, before.sample,
        before.batch, before.replicate)
       IS DISTINCT FROM
       (NEW.partition_key, NEW.material_id, NEW.property, NEW.method, NEW.validator, NEW.sample, NEW.batch, NEW.replicate)
    THEN
        RAISE EXCEPTION 'a correction of result % is of the same material, property, method, sample and replicate',
            NEW.supersedes
            USING ERRCODE = 'check_violation', HINT = 'retract that one and add this one instead';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER validation_results_supersede BEFORE INSERT ON validation_results
    FOR EACH ROW WHEN (NEW.supersedes IS NOT NULL) EXECUTE FUNCTION check_superseding();
CREATE TRIGGER validation_results_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON validation_results
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER result_submissions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON result_submissions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What was found of each row before it may be learned from, whoever wrote it. Null: sound.
CREATE TABLE result_examinations (
    result_id   bigint PRIMARY KEY REFERENCES validation_results,
    examined_at timestamptz NOT NULL DEFAULT now(),
    problem     text CHECK (problem <> '')
);
INSERT INTO result_examinations (result_id, examined_at) SELECT result_id, created_at FROM validation_results;

-- What counts: sound, and neither corrected nor retracted since.
CREATE VIEW effective_results AS
    SELECT v.*
    FROM validation_results v
    JOIN result_examinations e ON e.result_id = v.result_id AND e.problem IS NULL
    WHERE v.outcome <> 'retracted'
      AND NOT EXISTS (SELECT 1 FROM validation_results s WHERE s.supersedes = v.result_id);

-- What a campaign may learn from: answers to it, and those that nobody's iteration asked for.
CREATE FUNCTION campaign_results(p_campaign text) RETURNS SETOF effective_results LANGUAGE sql STABLE AS $$
    SELECT v.*
    FROM effective_results v
    JOIN campaigns g ON g.name = p_campaign
    LEFT JOIN active_learning_runs r ON r.partition_key = v.partition_key
    WHERE v.method = g.document ->> 'method'
      AND (v.partition_key IS NULL OR r.campaign = p_campaign)
$$;

-- The value of each property of each material that replicates give: their mean. Its standard deviation is the larger of
-- what their scatter and what their stated deviations say of a mean; null where neither is known.
CREATE FUNCTION campaign_truths(p_campaign text) RETURNS TABLE (
    material_id text, property text, value double precision, standard_deviation double precision, n_results bigint,
    result_ids bigint[]
) LANGUAGE sql STABLE AS $$
    SELECT material_id, property,
        -- the mean of equal numbers is not always that number
        CASE WHEN min(value) = max(value) THEN min(value) ELSE avg(value) END,
        greatest(
            nullif(stddev_samp(value), 0) / sqrt(count(*)),
            CASE WHEN count(standard_deviation) = count(*) THEN sqrt(sum(standard_deviation ^ 2)) / count(*) END),
        count(*), array_agg(result_id ORDER BY result_id)
    FROM campaign_results(p_campaign)
    WHERE outcome = 'measured'
    GROUP BY material_id, property
$$;

-- Calculations that validators run: one for each structure, method and settings, whoever asks and how often.
CREATE TABLE validation_jobs (
    job_id       text PRIMARY KEY CHECK (job_id ~ '^[0-9a-f]{64}$'),
    validator    text NOT NULL,
    material_id  text NOT NULL REFERENCES materials,
    method       text NOT NULL,
    properties   text[] NOT NULL,
    settings     jsonb NOT NULL DEFAULT '{}',
    status       text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    attempt      integer NOT NULL DEFAULT 1 CHECK (attempt > 0),
    run_id       text,
    process      jsonb NOT NULL DEFAULT '{}',
    folder       text NOT NULL DEFAULT '',
    reason       text NOT NULL DEFAULT '',
    submitted_at timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    finished_at  timestamptz
);
CREATE INDEX validation_jobs_material ON validation_jobs (material_id);
CREATE INDEX validation_jobs_unfinished ON validation_jobs (submitted_at) WHERE status IN ('waiting', 'running');

-- Labels: how well each is known, and which results it was made from.
ALTER TABLE iteration_labels
    ADD COLUMN standard_deviation double precision CHECK (standard_deviation >= 0 AND standard_deviation < 'Infinity'),
    ADD COLUMN result_ids bigint[] NOT NULL DEFAULT '{}';
UPDATE iteration_labels l
SET result_ids = ARRAY[answered.result_id]
FROM active_learning_runs opened
CROSS JOIN LATERAL (SELECT campaign AS name, iteration AS number) its
JOIN LATERAL (
    SELECT max(v.result_id) AS result_id, v.material_id, v.property, v.method
    FROM validation_results v
    JOIN active_learning_runs r ON r.partition_key = v.partition_key
    WHERE r.campaign = its.name AND r.iteration < its.number AND v.outcome = 'measured'
    GROUP BY v.material_id, v.property, v.method
) answered ON true
WHERE opened.partition_key = l.partition_key AND l.origin = 'validated' AND answered.material_id = l.material_id
  AND answered.property = l.property AND answered.method = l.method;

-- Frozen labels whose results were corrected or retracted since, with who said so and why.
CREATE VIEW superseded_labels AS
    SELECT l.partition_key, l.material_id, l.property, used.result_id, s.result_id AS superseded_by, s.outcome, s.value,
        s.reason, s.submitted_by, s.created_at AS at
    FROM iteration_labels l
    CROSS JOIN LATERAL unnest(l.result_ids) AS used (result_id)
    JOIN validation_results s ON s.supersedes = used.result_id;

-- The lifecycle follows results ---------------------------------------------------------------------

CREATE OR REPLACE FUNCTION record_candidate_status() RETURNS trigger
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
    IF (NEW.status, NEW.rejection_kind) IS NOT DISTINCT FROM (OLD.status, OLD.rejection_kind) THEN
        RETURN NEW;
    END IF;
    IF NOT (OLD.status, NEW.status) IN (
        ('ranked', 'flagged'), ('ranked', 'rejected'),
        ('flagged', 'in_validation'), ('flagged', 'rejected'),
        ('in_validation', 'validated'), ('in_validation', 'rejected'), ('in_validation', 'flagged'),
        ('rejected', 'rejected'), ('rejected', 'ranked'),
        -- a correction or a retraction: what was answered is answered otherwise, or open again
        ('validated', 'rejected'), ('rejected', 'validated'), ('validated', 'in_validation'), ('rejected', 'in_validation')
    ) THEN
        RAISE EXCEPTION 'candidate % cannot go from % to %', OLD.candidate_id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation',
                  HINT = 'ranked, then flagged, then in_validation, then validated; rejected from any but '
                         'validated; a withdrawn or failed one may be restored to ranked';
    END IF;
    IF NEW.status = 'flagged' AND EXISTS (
        SELECT 1 FROM active_learning_runs r
        WHERE r.partition_key = NEW.partition_key AND (r.status = 'abandoned' OR r.status = 'closed' AND OLD.status = 'ranked')
    ) THEN
        RAISE EXCEPTION 'candidate % cannot be flagged: iteration % is closed', OLD.candidate_id, NEW.partition_key
            USING ERRCODE = 'check_violation', HINT = 'flag its material in the newest iteration that suggests it';
    END IF;
    IF NEW.status = 'ranked' AND OLD.rejection_kind NOT IN ('withdrawn', 'failed') THEN
        RAISE EXCEPTION 'candidate % was rejected as %, which is final', OLD.candidate_id, OLD.rejection_kind
            USING ERRCODE = 'check_violation',
                  HINT = 'only a withdrawn or failed candidate is restored; one rejected as infeasible by '
                         'mistake is first rejected again as withdrawn';
    END IF;
    IF why = '' AND ('rejected' IN (OLD.status, NEW.status) OR (OLD.status, NEW.status) IN (
        ('in_validation', 'flagged'), ('validated', 'in_validation')
    )) THEN
        RAISE EXCEPTION '% candidate % needs a reason',
            CASE WHEN NEW.status = 'rejected' THEN 'rejecting' WHEN NEW.status = 'ranked' THEN 'restoring'
                 ELSE 'returning' END, OLD.candidate_id
            USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.status = 'validated' AND NEW.status = 'rejected' AND NEW.rejection_kind <> 'poor' THEN
        RAISE EXCEPTION 'candidate % is validated: only its measured values make it poor', OLD.candidate_id
            USING ERRCODE = 'check_violation', HINT = 'correct or retract its results instead';
    END IF;
    IF OLD.status IN ('validated', 'rejected') AND NEW.status = 'in_validation' AND NOT EXISTS (
        SELECT 1 FROM validation_results v
        WHERE v.material_id = NEW.material_id AND v.supersedes IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'candidate % is %: nothing that was measured of it was corrected or retracted',
            OLD.candidate_id, OLD.status
            USING ERRCODE = 'check_violation', HINT = 'correct or retract its results instead';
    END IF;
    IF NEW.status = 'validated' AND NOT EXISTS (
        SELECT 1 FROM validation_results v
        WHERE v.material_id = NEW.material_id AND v.outcome = 'measured'
          AND NOT EXISTS (SELECT 1 FROM validation_results s WHERE s.supersedes = v.result_id)
    ) THEN
        RAISE EXCEPTION 'candidate % has no measured value, so it is not validated', OLD.candidate_id
            USING ERRCODE = 'check_violation', HINT = 'submit its results first';
    END IF;
    IF NEW.rejection_kind = 'failed' AND NOT EXISTS (
        SELECT 1 FROM candidate_events e
        WHERE e.candidate_id = NEW.candidate_id AND e.to_status IN ('flagged', 'in_validation')
    ) THEN
        RAISE EXCEPTION 'candidate % was never sent to validation, so it has not failed there', OLD.candidate_id
            USING ERRCODE = 'check_violation', HINT = 'withdrawn or infeasible may be meant';
    END IF;
    IF NEW.rejection_kind = 'poor' AND NOT EXISTS (
        SELECT 1 FROM validation_results v
        WHERE v.material_id = NEW.material_id AND v.outcome = 'measured'
          AND NOT EXISTS (SELECT 1 FROM validation_results s WHERE s.supersedes = v.result_id)
    ) THEN
        RAISE EXCEPTION 'candidate % has no measured value, so it was not measured poor', OLD.candidate_id
            USING ERRCODE = 'check_violation', HINT = 'withdrawn or infeasible may be meant';
    END IF;
    INSERT INTO candidate_events (candidate_id, from_status, to_status, actor, reason, rejection_kind)
    VALUES (NEW.candidate_id, OLD.status, NEW.status, who, why, NEW.rejection_kind);
    RETURN NEW;
END $$;

-- Who may do what -----------------------------------------------------------------------------------

REVOKE UPDATE ON validation_results FROM catalyst_validator;
REVOKE UPDATE, DELETE ON iteration_labels FROM catalyst_pipeline;
GRANT SELECT, INSERT ON result_submissions TO catalyst_validator, catalyst_app;
GRANT INSERT ON validation_results TO catalyst_app;
GRANT SELECT ON result_submissions TO catalyst_pipeline;
GRANT SELECT, INSERT, UPDATE ON result_examinations, validation_jobs TO catalyst_validator;
GRANT SELECT ON result_examinations, validation_jobs TO catalyst_pipeline, catalyst_app;
GRANT UPDATE ON validation_jobs TO catalyst_pipeline;
GRANT SELECT ON effective_results, superseded_labels TO catalyst_pipeline, catalyst_validator, catalyst_app;
GRANT SELECT ON iteration_labels TO catalyst_validator;
REVOKE ALL ON FUNCTION check_superseding, campaign_results, campaign_truths FROM PUBLIC;
GRANT EXECUTE ON FUNCTION campaign_results, campaign_truths TO catalyst_pipeline, catalyst_validator, catalyst_app;

-- What people read ----------------------------------------------------------------------------------

CREATE OR REPLACE VIEW reading.validation_results AS
    SELECT r.campaign, r.iteration, v.material_id, m.reduced_formula AS formula, v.property, v.value, v.unit, v.method,
        v.outcome, v.note, v.validator, v.created_at, v.result_id, v.standard_deviation, v.sample, v.batch, v.replicate,
        v.conditions, v.synthesis, v.operator, v.measured_on, v.attachment, v.submitted_by, v.supersedes, v.reason,
        EXISTS (SELECT 1 FROM effective_results e WHERE e.result_id = v.result_id) AS counts,
        examined.problem
    FROM validation_results v
    LEFT JOIN active_learning_runs r ON r.partition_key = v.partition_key
    JOIN materials m ON m.material_id = v.material_id
    LEFT JOIN result_examinations examined ON examined.result_id = v.result_id;
COMMENT ON VIEW reading.validation_results IS 'What validation answered, corrections and retractions included: one row a result.';
COMMENT ON COLUMN reading.validation_results.campaign IS 'The campaign that asked; null where nobody''s iteration did.';
COMMENT ON COLUMN reading.validation_results.iteration IS 'The iteration whose batch it was in; null likewise.';
COMMENT ON COLUMN reading.validation_results.property IS 'Name of the property; null where the whole attempt failed.';
COMMENT ON COLUMN reading.validation_results.outcome IS 'measured, failed, or retracted: what it supersedes no longer counts.';
COMMENT ON COLUMN reading.validation_results.result_id IS 'Number of the result.';
COMMENT ON COLUMN reading.validation_results.standard_deviation IS 'Of the value, in unit; null where it was not stated.';
COMMENT ON COLUMN reading.validation_results.sample IS 'Identity of the sample; empty where none was given.';
COMMENT ON COLUMN reading.validation_results.batch IS 'Identity of the batch that it was made in; empty likewise.';
COMMENT ON COLUMN reading.validation_results.replicate IS '1 for the first measurement of a sample.';
COMMENT ON COLUMN reading.validation_results.conditions IS 'Under which it was measured: names with values.';
COMMENT ON COLUMN reading.validation_results.synthesis IS 'succeeded or failed; null where nothing was said of it.';
COMMENT ON COLUMN reading.validation_results.operator IS 'Who measured it.';
COMMENT ON COLUMN reading.validation_results.measured_on IS 'The day when it was measured.';
COMMENT ON COLUMN reading.validation_results.attachment IS 'Where its raw data lie.';
COMMENT ON COLUMN reading.validation_results.submitted_by IS 'Who submitted it.';
COMMENT ON COLUMN reading.validation_results.supersedes IS 'The result that it corrects or retracts; null for a first one.';
COMMENT ON COLUMN reading.validation_results.reason IS 'Why it corrects or retracts that.';
COMMENT ON COLUMN reading.validation_results.counts IS 'Whether it is learned from: sound, and neither corrected nor retracted.';
COMMENT ON COLUMN reading.validation_results.problem IS 'Why it may not be learned from; null where it may, or was not looked at yet.';

CREATE OR REPLACE VIEW reading.labels AS
    SELECT r.campaign, r.iteration, l.material_id, m.reduced_formula AS formula, l.property, l.value, k.unit, l.method,
        l.origin, l.standard_deviation, cardinality(l.result_ids) AS n_results,
        EXISTS (SELECT 1 FROM validation_results s WHERE s.supersedes = ANY (l.result_ids)) AS superseded
    FROM iteration_labels l
    JOIN active_learning_runs r USING (partition_key)
    JOIN materials m USING (material_id)
    LEFT JOIN known_properties k USING (property);
COMMENT ON COLUMN reading.labels.standard_deviation IS 'How well the value is known, in unit; null where nobody said.';
COMMENT ON COLUMN reading.labels.n_results IS 'How many results it is the mean of; 0 for what a source computed.';
COMMENT ON COLUMN reading.labels.superseded IS 'Whether one of them was corrected or retracted since.';

COMMENT ON TABLE validation_results IS 'What was answered of one property of one material; a later row may correct or retract it.';
COMMENT ON COLUMN validation_results.result_id IS 'Number of the result.';
COMMENT ON COLUMN validation_results.partition_key IS 'The iteration whose candidate it answers; null where nobody''s did.';
COMMENT ON COLUMN validation_results.property IS 'The property; null where the whole attempt failed.';
COMMENT ON COLUMN validation_results.outcome IS 'Measured, failed, or retracted.';
COMMENT ON COLUMN validation_results.value IS 'The value, in its unit; none unless it was measured.';
COMMENT ON COLUMN validation_results.standard_deviation IS 'Standard deviation of the value, in its unit.';
COMMENT ON COLUMN validation_results.sample IS 'Identity of the sample.';
COMMENT ON COLUMN validation_results.batch IS 'Identity of the batch it was made in.';
COMMENT ON COLUMN validation_results.replicate IS 'Which measurement of the sample it is.';
COMMENT ON COLUMN validation_results.conditions IS 'Under which it was measured: names with values.';
COMMENT ON COLUMN validation_results.synthesis IS 'Whether synthesis succeeded or failed.';
COMMENT ON COLUMN validation_results.operator IS 'Who measured it.';
COMMENT ON COLUMN validation_results.measured_on IS 'The day when it was measured.';
COMMENT ON COLUMN validation_results.attachment IS 'Where its raw data lie.';
COMMENT ON COLUMN validation_results.submitted_by IS 'Who submitted it.';
COMMENT ON COLUMN validation_results.submission_id IS 'The file or request that it came by.';
COMMENT ON COLUMN validation_results.supersedes IS 'The result that it corrects or retracts.';
COMMENT ON COLUMN validation_results.reason IS 'Why it corrects or retracts that.';
COMMENT ON TABLE validation_jobs IS 'A calculation that a validator runs.';
COMMENT ON TABLE result_submissions IS 'A file, request or validator that results came by.';
COMMENT ON TABLE result_examinations IS 'What was found of a result before it may be learned from.';
COMMENT ON COLUMN iteration_labels.standard_deviation IS 'How well the value is known, in the unit of the property.';
COMMENT ON COLUMN iteration_labels.result_ids IS 'The results that it is the mean of; none for what a source computed.';
