-- The loop follows what changes: the database notes which campaigns that concerns, so that a look at nothing new is cheap.

-- A row for each statement that changed what decides about a campaign. Whoever looks at the campaign removes the rows that
-- it sees, before it reads: what is committed later stays for the next look, in whatever order it was written. No foreign
-- key: that would make writers wait for the loop, which locks the campaign.
CREATE TABLE campaign_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign  text NOT NULL
);
CREATE INDEX campaign_changes_campaign ON campaign_changes (campaign);

-- How the loop left a campaign: resting until something changes, or to be looked at again.
CREATE TABLE campaign_looks (
    campaign  text PRIMARY KEY REFERENCES campaigns,
    rests     boolean NOT NULL,
    looked_at timestamptz NOT NULL DEFAULT now(),
    look_at   timestamptz NOT NULL
);

CREATE FUNCTION note_campaign_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'campaigns' THEN
        INSERT INTO campaign_changes (campaign) SELECT name FROM changed;
    WHEN 'active_learning_runs' THEN
        INSERT INTO campaign_changes (campaign) SELECT DISTINCT campaign FROM changed;
    WHEN 'candidates' THEN
        INSERT INTO campaign_changes (campaign)
        SELECT r.campaign FROM active_learning_runs r
        WHERE r.partition_key IN (SELECT partition_key FROM changed) GROUP BY r.campaign;
    WHEN 'validation_results' THEN
        INSERT INTO campaign_changes (campaign)
        SELECT r.campaign FROM active_learning_runs r
        WHERE r.partition_key IN (SELECT partition_key FROM changed)
        UNION
        SELECT name FROM campaigns WHERE EXISTS (SELECT 1 FROM changed WHERE partition_key IS NULL);
    WHEN 'result_examinations' THEN
        INSERT INTO campaign_changes (campaign)
        SELECT r.campaign FROM active_learning_runs r
        WHERE r.partition_key IN (SELECT v.partition_key FROM changed JOIN validation_results v USING (result_id))
        UNION
        SELECT name FROM campaigns
        WHERE EXISTS (SELECT 1 FROM changed JOIN validation_results v USING (result_id) WHERE v.partition_key IS NULL);
    WHEN 'validation_jobs' THEN
        INSERT INTO campaign_changes (campaign)
        SELECT name FROM campaigns WHERE document ->> 'validator' IN (SELECT validator FROM changed);
    END CASE;
    RETURN NULL;
END $$;

DO $$
DECLARE
    watched text;
    happens text;
BEGIN
    FOREACH watched IN ARRAY ARRAY['campaigns', 'active_learning_runs', 'candidates', 'validation_results',
                                   'result_examinations', 'validation_jobs'] LOOP
        FOREACH happens IN ARRAY ARRAY['INSERT', 'UPDATE'] LOOP
            CONTINUE WHEN watched = 'validation_results' AND happens = 'UPDATE';
            EXECUTE format(
                'CREATE TRIGGER %I AFTER %s ON %I REFERENCING NEW TABLE AS changed '
                'FOR EACH STATEMENT EXECUTE FUNCTION note_campaign_change()',
                format('%s_noted_%s', watched, lower(happens)), happens, watched);
        END LOOP;
    END LOOP;
END $$;

-- Which examined results bear on the candidates of an iteration that results may move: one hash. Where it is not the one
-- that they were settled by, they are settled again.
CREATE FUNCTION iteration_standing(p_partition_key text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(md5(string_agg(
        v.result_id || CASE WHEN e.problem IS NULL THEN '' ELSE '!' END, ',' ORDER BY v.result_id)), '')
    FROM active_learning_runs r
    JOIN campaigns g ON g.name = r.campaign
    JOIN candidates c USING (partition_key)
    JOIN validation_results v ON v.material_id = c.material_id AND v.method = g.document ->> 'method'
    JOIN result_examinations e USING (result_id)
    LEFT JOIN active_learning_runs asked ON asked.partition_key = v.partition_key
    WHERE r.partition_key = p_partition_key
      AND (v.partition_key IS NULL OR asked.campaign = r.campaign)
      AND (c.status IN ('flagged', 'in_validation', 'validated')
           OR c.rejection_kind IN ('poor', 'failed', 'infeasible'))
$$;

-- How the work on each candidate in validation stands: 'working'; 'due', where the validator was never asked or has an
-- answer that the ledger lacks; 'idle', where what it said was taken in and a person has to do something.
CREATE FUNCTION candidate_work(p_campaign text, p_answers text) RETURNS TABLE (
    candidate_id bigint, partition_key text, material_id text, state text
) LANGUAGE sql STABLE AS $$
    SELECT c.candidate_id, c.partition_key, c.material_id,
        CASE
            WHEN p_answers = 'from_outside' OR job.status IN ('waiting', 'running') THEN 'working'
            WHEN p_answers = 'by_jobs' AND job.status IS NULL THEN 'due'
            -- Attempts come in pairs; each pair answers once.
            WHEN EXISTS (
                SELECT 1 FROM validation_results v
                WHERE v.partition_key = c.partition_key AND v.material_id = c.material_id
                  AND v.validator = g.document ->> 'validator'
                  AND (p_answers <> 'by_jobs' OR v.replicate = (job.attempt + 1) / 2)) THEN 'idle'
            ELSE 'due'
        END
    FROM campaigns g
    JOIN active_learning_runs r ON r.campaign = g.name
    JOIN candidates c ON c.partition_key = r.partition_key AND c.status = 'in_validation'
    LEFT JOIN LATERAL (
        SELECT j.status, j.attempt FROM validation_jobs j
        WHERE j.material_id = c.material_id AND j.validator = g.document ->> 'validator'
          AND j.method = g.document ->> 'method' AND p_answers = 'by_jobs'
        ORDER BY j.submitted_at DESC LIMIT 1
    ) job ON true
    WHERE g.name = p_campaign
$$;

ALTER TABLE active_learning_runs ADD COLUMN settled text NOT NULL DEFAULT '';
UPDATE active_learning_runs SET settled = iteration_standing(partition_key);

-- A person asks for the next iteration before the batch is answered.
ALTER TABLE campaigns ADD COLUMN advance_requested_at timestamptz;

-- What a person should know and may not see by themselves. It stands while it holds; then it is cleared and kept.
CREATE TABLE notices (
    notice_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign   text REFERENCES campaigns,
    kind       text NOT NULL CHECK (kind IN ('failed', 'stalled', 'unfit')),
    subject    text NOT NULL,
    message    text NOT NULL,
    remedy     text NOT NULL DEFAULT '',
    raised_at  timestamptz NOT NULL DEFAULT now(),
    posted_at  timestamptz,
    cleared_at timestamptz
);
CREATE UNIQUE INDEX notices_standing ON notices (coalesce(campaign, ''), kind, subject) WHERE cleared_at IS NULL;

GRANT SELECT, DELETE ON campaign_changes TO catalyst_pipeline;
GRANT SELECT, INSERT, UPDATE ON campaign_looks, notices TO catalyst_pipeline;
GRANT UPDATE (settled) ON active_learning_runs TO catalyst_validator;
GRANT SELECT ON notices TO catalyst_app, catalyst_validator;
REVOKE ALL ON FUNCTION note_campaign_change, iteration_standing, candidate_work FROM PUBLIC;
GRANT EXECUTE ON FUNCTION iteration_standing, candidate_work TO catalyst_pipeline, catalyst_validator, catalyst_app;

COMMENT ON TABLE campaign_changes IS 'A statement that changed what decides about a campaign, until the loop has looked.';
COMMENT ON TABLE campaign_looks IS 'How the loop left a campaign when it looked last.';
COMMENT ON TABLE notices IS 'What a person should know of: runs that keep failing, campaigns that stand still, unfit results.';
COMMENT ON COLUMN notices.campaign IS 'The campaign; none where it concerns the installation.';
COMMENT ON COLUMN notices.kind IS 'failed, stalled or unfit.';
COMMENT ON COLUMN notices.subject IS 'What of; while it stands, it is raised once.';
COMMENT ON COLUMN notices.message IS 'What is so.';
COMMENT ON COLUMN notices.remedy IS 'What a person can do.';
COMMENT ON COLUMN notices.raised_at IS 'When it was raised.';
COMMENT ON COLUMN notices.posted_at IS 'When it was posted to the webhook; none where there is none, or it did not answer.';
COMMENT ON COLUMN notices.cleared_at IS 'When it held no longer.';
COMMENT ON COLUMN active_learning_runs.settled IS 'Hash of the results that its candidates followed last.';
COMMENT ON COLUMN campaigns.advance_requested_at IS 'When a person asked for the next iteration.';
