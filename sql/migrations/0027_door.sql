-- What the API's door needs: versions of candidates, requests that were answered already, and a feed of what changed.

-- Versions -------------------------------------------------------------------------------------

-- Who decides says which version they saw: of two who saw the same, the second is told.
ALTER TABLE candidates ADD COLUMN version integer NOT NULL DEFAULT 1;
COMMENT ON COLUMN candidates.version IS 'Counts what was decided about it, from 1.';

CREATE FUNCTION count_candidate_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version
        + CASE WHEN (NEW.status, NEW.rejection_kind) IS DISTINCT FROM (OLD.status, OLD.rejection_kind) THEN 1 ELSE 0 END;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION count_candidate_version FROM PUBLIC;
CREATE TRIGGER candidates_version BEFORE UPDATE ON candidates
    FOR EACH ROW EXECUTE FUNCTION count_candidate_version();

-- Lock candidates for this transaction, in one order whoever asks; refuse where one is not at the version that was seen.
-- Materials are locked likewise, as flagging does, so that nobody waits in a circle.
CREATE FUNCTION hold_candidates(p_candidate_ids bigint[], p_versions integer[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT asked.id, asked.version FROM unnest(p_candidate_ids, p_versions) AS asked (id, version) ORDER BY asked.id
    LOOP
        PERFORM 1 FROM candidates WHERE candidate_id = wanted.id FOR UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no candidate %', wanted.id USING ERRCODE = 'no_data_found';
        END IF;
    END LOOP;
    FOR wanted IN
        SELECT asked.id, asked.version, c.version AS held, c.status, last.actor, last.at
        FROM unnest(p_candidate_ids, p_versions) AS asked (id, version)
        JOIN candidates c ON c.candidate_id = asked.id
        LEFT JOIN LATERAL (
            SELECT e.actor, e.at FROM candidate_events e
            WHERE e.candidate_id = asked.id ORDER BY e.event_id DESC LIMIT 1
        ) last ON true
        WHERE asked.version IS NOT NULL AND asked.version <> c.version
        ORDER BY asked.id
    LOOP
        RAISE EXCEPTION 'candidate % was changed since: it is %, by % at % UTC', wanted.id,
            replace(CAST(wanted.status AS text), '_', ' '), wanted.actor,
            to_char(wanted.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
            USING ERRCODE = 'CF003',
                  DETAIL = wanted.id || ' ' || wanted.held,
                  HINT = 'look at it again, then decide with version ' || wanted.held;
    END LOOP;
    PERFORM pg_advisory_xact_lock(key)
    FROM (
        SELECT DISTINCT hashtextextended(r.campaign || ' ' || c.material_id, 0) AS key
        FROM candidates c JOIN active_learning_runs r USING (partition_key)
        WHERE c.candidate_id = ANY (p_candidate_ids) AND array_length(p_candidate_ids, 1) > 1
        ORDER BY 1
    ) keys;
END $$;
REVOKE ALL ON FUNCTION hold_candidates FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hold_candidates TO catalyst_app;

-- Requests that were answered ------------------------------------------------------------------

CREATE TABLE idempotency_keys (
    actor       text NOT NULL,
    key         text NOT NULL,
    fingerprint text NOT NULL,
    claimed_at  timestamptz NOT NULL DEFAULT now(),
    status      integer,
    headers     jsonb,
    body        bytea,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (claimed_at);
COMMENT ON TABLE idempotency_keys IS 'Writing requests with the header Idempotency-Key, for a week: the same again is answered as it was.';
COMMENT ON COLUMN idempotency_keys.actor IS 'Who sent it.';
COMMENT ON COLUMN idempotency_keys.key IS 'What the header said.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'Hash of method, path and body.';
COMMENT ON COLUMN idempotency_keys.claimed_at IS 'When it came.';
COMMENT ON COLUMN idempotency_keys.status IS 'Of the answer; null while it is worked on.';
COMMENT ON COLUMN idempotency_keys.headers IS 'Of the answer.';
COMMENT ON COLUMN idempotency_keys.body IS 'Of the answer.';
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO catalyst_app;

-- What changed ---------------------------------------------------------------------------------

-- In the order of commits: who has read up to a number has missed nothing before it.
CREATE TABLE changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind      text NOT NULL,
    campaign  text,
    data      jsonb NOT NULL
);
CREATE INDEX changes_age ON changes (at);
COMMENT ON TABLE changes IS 'What changed lately, as subscribers of the API are told; kept for a week.';
COMMENT ON COLUMN changes.change_id IS 'Number of the change, in the order of commits.';
COMMENT ON COLUMN changes.at IS 'When it was committed.';
COMMENT ON COLUMN changes.kind IS 'What happened, such as candidate.flagged.';
COMMENT ON COLUMN changes.campaign IS 'The campaign that it concerns; null for several or none.';
COMMENT ON COLUMN changes.data IS 'What it happened to.';
GRANT SELECT ON changes TO catalyst_app;

-- Called as a transaction commits: the lock is held until others see it, so that numbers follow commits.
CREATE FUNCTION publish_change(p_kind text, p_campaign text, p_data jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('catalyst.changes', 0));
    INSERT INTO changes (kind, campaign, data) VALUES (p_kind, p_campaign, p_data);
    PERFORM pg_notify('catalyst_changes', '');
END $$;
REVOKE ALL ON FUNCTION publish_change FROM PUBLIC;

CREATE FUNCTION publish_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    its record;
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'candidate_events' THEN
        SELECT c.candidate_id, c.material_id, r.campaign, r.iteration INTO its
        FROM candidates c JOIN active_learning_runs r USING (partition_key)
        WHERE c.candidate_id = NEW.candidate_id;
        PERFORM publish_change('candidate.' || CASE NEW.to_status WHEN 'ranked' THEN 'restored' ELSE CAST(NEW.to_status AS text) END,
            its.campaign, jsonb_build_object(
            'candidate_id', its.candidate_id, 'material_id', its.material_id, 'iteration', its.iteration,
            'from', NEW.from_status, 'to', NEW.to_status, 'rejection_kind', NEW.rejection_kind,
            'actor', NEW.actor, 'reason', NEW.reason));
    WHEN 'validation_results' THEN
        SELECT r.campaign, r.iteration INTO its FROM active_learning_runs r WHERE r.partition_key = NEW.partition_key;
        PERFORM publish_change(
            CASE WHEN NEW.outcome = 'retracted' THEN 'result.retracted'
                 WHEN NEW.supersedes IS NOT NULL THEN 'result.corrected' ELSE 'result.submitted' END,
            its.campaign, jsonb_build_object(
            'result_id', NEW.result_id, 'material_id', NEW.material_id, 'iteration', its.iteration,
            'property', NEW.property, 'outcome', NEW.outcome, 'supersedes', NEW.supersedes,
            'actor', NEW.submitted_by));
    WHEN 'result_examinations' THEN
        SELECT v.material_id, r.campaign, r.iteration INTO its
        FROM validation_results v LEFT JOIN active_learning_runs r USING (partition_key)
        WHERE v.result_id = NEW.result_id;
        PERFORM publish_change('result.examined', its.campaign, jsonb_build_object(
            'result_id', NEW.result_id, 'material_id', its.material_id, 'iteration', its.iteration,
            'problem', NEW.problem));
    WHEN 'rankings' THEN
        SELECT r.campaign, r.iteration INTO its FROM active_learning_runs r WHERE r.partition_key = NEW.partition_key;
        PERFORM publish_change('iteration.list', its.campaign, jsonb_build_object('iteration', its.iteration));
    WHEN 'active_learning_runs' THEN
        PERFORM publish_change('iteration.' || CAST(NEW.status AS text), NEW.campaign,
            jsonb_build_object('iteration', NEW.iteration));
    WHEN 'campaigns' THEN
        PERFORM publish_change('campaign.' || CAST(NEW.status AS text), NEW.name,
            jsonb_build_object('stop_reason', NEW.stop_reason));
    WHEN 'champions' THEN
        PERFORM publish_change('model.champion', NEW.model_name, jsonb_build_object('version', NEW.model_version));
    WHEN 'notices' THEN
        PERFORM publish_change(CASE WHEN NEW.cleared_at IS NULL THEN 'notice.raised' ELSE 'notice.cleared' END,
            NEW.campaign, jsonb_build_object('kind', NEW.kind, 'message', NEW.message));
    WHEN 'campaign_waits' THEN
        PERFORM publish_change('campaign.waiting', NEW.campaign,
            jsonb_build_object('waits_on', NEW.waits_on, 'reason', NEW.reason));
    END CASE;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION publish_row FROM PUBLIC;

CREATE CONSTRAINT TRIGGER candidate_events_published AFTER INSERT ON candidate_events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.from_status IS NOT NULL) EXECUTE FUNCTION publish_row();
CREATE CONSTRAINT TRIGGER validation_results_published AFTER INSERT ON validation_results
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_row();
CREATE CONSTRAINT TRIGGER result_examinations_published AFTER INSERT OR UPDATE ON result_examinations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_row();
CREATE CONSTRAINT TRIGGER rankings_published AFTER INSERT OR UPDATE ON rankings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_row();
CREATE CONSTRAINT TRIGGER active_learning_runs_opened AFTER INSERT ON active_learning_runs
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_row();
CREATE CONSTRAINT TRIGGER active_learning_runs_published AFTER UPDATE ON active_learning_runs
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status)
    EXECUTE FUNCTION publish_row();
CREATE CONSTRAINT TRIGGER campaigns_started AFTER INSERT ON campaigns
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_row();
CREATE CONSTRAINT TRIGGER campaigns_published AFTER UPDATE ON campaigns
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status)
    EXECUTE FUNCTION publish_row();
CREATE CONSTRAINT TRIGGER champions_published AFTER INSERT OR UPDATE ON champions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_row();
CREATE CONSTRAINT TRIGGER notices_published AFTER INSERT OR UPDATE ON notices
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_row();
CREATE CONSTRAINT TRIGGER campaign_waits_published AFTER INSERT ON campaign_waits
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_row();
CREATE CONSTRAINT TRIGGER campaign_waits_changed AFTER UPDATE ON campaign_waits
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((NEW.waits_on, NEW.reason) IS DISTINCT FROM (OLD.waits_on, OLD.reason)) EXECUTE FUNCTION publish_row();

CREATE FUNCTION forget_changes() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DELETE FROM changes WHERE at < now() - interval '7 days';
$$;
REVOKE ALL ON FUNCTION forget_changes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_changes TO catalyst_app;
