-- Rejections that say what kind they are, rankings that can be computed again, and which model is the champion.
-- What each kind means for training and for being suggested again: catalyst_assets/campaigns/rejections.py.

-- Rejections -----------------------------------------------------------------------------------

CREATE TYPE rejection_kind AS ENUM ('poor', 'infeasible', 'failed', 'withdrawn');

ALTER TABLE candidates ADD COLUMN rejection_kind rejection_kind;
ALTER TABLE candidate_events ADD COLUMN rejection_kind rejection_kind;

-- Rejections from before had two authors: a validator without an answer, and a person.
ALTER TABLE candidates DISABLE TRIGGER candidates_lifecycle;
UPDATE candidates c SET rejection_kind = CASE WHEN EXISTS (
    SELECT 1 FROM validation_results v
    WHERE v.partition_key = c.partition_key AND v.material_id = c.material_id AND v.outcome = 'failed'
) THEN rejection_kind 'failed' ELSE 'withdrawn' END
WHERE c.status = 'rejected';
ALTER TABLE candidates ENABLE TRIGGER candidates_lifecycle;

ALTER TABLE candidate_events DISABLE TRIGGER candidate_events_append_only;
UPDATE candidate_events e SET rejection_kind = c.rejection_kind
FROM candidates c WHERE c.candidate_id = e.candidate_id AND e.to_status = 'rejected';
ALTER TABLE candidate_events ENABLE TRIGGER candidate_events_append_only;

ALTER TABLE candidates ADD CONSTRAINT candidates_rejection_kind
    CHECK ((status = 'rejected') = (rejection_kind IS NOT NULL));
ALTER TABLE candidate_events ADD CONSTRAINT candidate_events_rejection_kind
    CHECK ((to_status = 'rejected') = (rejection_kind IS NOT NULL));

-- The lifecycle holds whoever writes, the owner too: the trigger knows the legal steps and records them.
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
        ('in_validation', 'validated'), ('in_validation', 'rejected'),
        ('rejected', 'rejected'), ('rejected', 'ranked')
    ) THEN
        RAISE EXCEPTION 'candidate % cannot go from % to %', OLD.candidate_id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation',
                  HINT = 'ranked, then flagged, then in_validation, then validated; rejected from any but '
                         'validated; a withdrawn or failed one may be restored to ranked';
    END IF;
    IF NEW.status = 'ranked' AND OLD.rejection_kind NOT IN ('withdrawn', 'failed') THEN
        RAISE EXCEPTION 'candidate % was rejected as %, which is final', OLD.candidate_id, OLD.rejection_kind
            USING ERRCODE = 'check_violation',
                  HINT = 'only a withdrawn or failed candidate is restored; one rejected as infeasible by '
                         'mistake is first rejected again as withdrawn';
    END IF;
    IF 'rejected' IN (OLD.status, NEW.status) AND why = '' THEN
        RAISE EXCEPTION '% candidate % needs a reason',
            CASE NEW.status WHEN 'rejected' THEN 'rejecting' ELSE 'restoring' END, OLD.candidate_id
            USING ERRCODE = 'check_violation';
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
        WHERE v.partition_key = NEW.partition_key AND v.material_id = NEW.material_id AND v.outcome = 'measured'
    ) THEN
        RAISE EXCEPTION 'candidate % has no measured value, so it was not measured poor', OLD.candidate_id
            USING ERRCODE = 'check_violation', HINT = 'withdrawn or infeasible may be meant';
    END IF;
    INSERT INTO candidate_events (candidate_id, from_status, to_status, actor, reason, rejection_kind)
    VALUES (NEW.candidate_id, OLD.status, NEW.status, who, why, NEW.rejection_kind);
    RETURN NEW;
END $$;

DROP FUNCTION transition_candidate(bigint, candidate_status, text, text);

-- The one way by which any role moves a candidate. Returns false when it was there already, of that kind.
CREATE FUNCTION transition_candidate(
    p_candidate_id bigint, p_to candidate_status, p_actor text, p_reason text DEFAULT '',
    p_kind rejection_kind DEFAULT NULL
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    held candidates%ROWTYPE;
BEGIN
    IF coalesce(p_actor, '') = '' THEN
        RAISE EXCEPTION 'a transition names who made it' USING ERRCODE = 'check_violation';
    END IF;
    IF p_to = 'rejected' AND p_kind IS NULL THEN
        RAISE EXCEPTION 'rejecting candidate % needs a kind', p_candidate_id USING ERRCODE = 'check_violation';
    END IF;
    IF p_to <> 'rejected' AND p_kind IS NOT NULL THEN
        RAISE EXCEPTION 'only a rejection has a kind' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO held FROM candidates WHERE candidate_id = p_candidate_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no candidate %', p_candidate_id USING ERRCODE = 'no_data_found';
    END IF;
    IF held.status = p_to AND held.rejection_kind IS NOT DISTINCT FROM p_kind THEN
        RETURN false;
    END IF;
    PERFORM set_config('catalyst.actor', p_actor, true), set_config('catalyst.reason', coalesce(p_reason, ''), true);
    UPDATE candidates SET status = p_to, rejection_kind = p_kind, updated_at = now()
    WHERE candidate_id = p_candidate_id;
    PERFORM set_config('catalyst.actor', '', true), set_config('catalyst.reason', '', true);
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION transition_candidate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION transition_candidate TO catalyst_pipeline, catalyst_validator, catalyst_app;

-- Rankings that can be computed again ----------------------------------------------------------

-- What earlier turns left to it: materials withheld, pending, failed and answered by then.
-- Null in rankings from before it was kept.
ALTER TABLE rankings ADD COLUMN history jsonb;
ALTER TABLE rankings ADD COLUMN code_version text;

-- [{"material_id": "…", "distance": 0.4}]: the labelled materials nearest to it; null where not measured.
ALTER TABLE candidates ADD COLUMN nearest jsonb;
GRANT UPDATE (nearest) ON candidates TO catalyst_pipeline;

-- Champions ------------------------------------------------------------------------------------

-- Which registered version of a model is the champion: the registry's alias, where the app can read it.
CREATE TABLE champions (
    model_name    text PRIMARY KEY,
    model_version integer NOT NULL CHECK (model_version > 0),
    noted_at      timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON champions TO catalyst_pipeline;
GRANT SELECT ON champions TO catalyst_validator, catalyst_app;
