-- What people ask of campaigns by the API: its role may ask, the loop's carries it out and says what became of it.

CREATE TABLE campaign_requests (
    request_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('start', 'validate', 'stop', 'next', 'retry', 'report')),
    campaign    text NOT NULL CHECK (campaign <> '' AND length(campaign) <= 100),
    document    jsonb,
    reason      text NOT NULL DEFAULT '' CHECK (length(reason) <= 2000),
    actor       text NOT NULL CHECK (actor <> '' AND length(actor) <= 200),
    asked_at    timestamptz NOT NULL DEFAULT now(),
    status      text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'done', 'refused')),
    answer      text NOT NULL DEFAULT '',
    remedy      text NOT NULL DEFAULT '',
    details     jsonb,
    answered_at timestamptz,
    CHECK ((document IS NOT NULL) = (kind IN ('start', 'validate'))),
    CHECK ((status = 'waiting') = (answered_at IS NULL))
);
CREATE INDEX campaign_requests_waiting ON campaign_requests (request_id) WHERE status = 'waiting';
CREATE INDEX campaign_requests_campaign ON campaign_requests (campaign, request_id);

COMMENT ON TABLE campaign_requests IS 'What people asked of campaigns by the API, and what became of it; kept for good.';
COMMENT ON COLUMN campaign_requests.request_id IS 'Number of the request.';
COMMENT ON COLUMN campaign_requests.kind IS 'start, validate, stop, next, retry or report.';
COMMENT ON COLUMN campaign_requests.campaign IS 'The campaign that it concerns.';
COMMENT ON COLUMN campaign_requests.document IS 'The goal to start or validate.';
COMMENT ON COLUMN campaign_requests.reason IS 'Why, in words of who asked.';
COMMENT ON COLUMN campaign_requests.actor IS 'Who asked.';
COMMENT ON COLUMN campaign_requests.asked_at IS 'When.';
COMMENT ON COLUMN campaign_requests.status IS 'waiting, done or refused.';
COMMENT ON COLUMN campaign_requests.answer IS 'What was done, or why it was refused.';
COMMENT ON COLUMN campaign_requests.remedy IS 'What can be done where it was refused.';
COMMENT ON COLUMN campaign_requests.details IS 'The answer in numbers and names, where it has any.';
COMMENT ON COLUMN campaign_requests.answered_at IS 'When it was answered; null while it waits.';

-- A request stays as it was asked, and is answered once.
CREATE FUNCTION answer_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'waiting'
       OR (NEW.request_id, NEW.kind, NEW.campaign, NEW.document, NEW.reason, NEW.actor, NEW.asked_at)
          IS DISTINCT FROM
          (OLD.request_id, OLD.kind, OLD.campaign, OLD.document, OLD.reason, OLD.actor, OLD.asked_at)
    THEN
        RAISE EXCEPTION 'request % is answered once and stays as it was asked', OLD.request_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION answer_once FROM PUBLIC;
CREATE TRIGGER campaign_requests_answered BEFORE UPDATE ON campaign_requests
    FOR EACH ROW EXECUTE FUNCTION answer_once();
CREATE TRIGGER campaign_requests_kept BEFORE DELETE OR TRUNCATE ON campaign_requests
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT (kind, campaign, document, reason, actor) ON campaign_requests TO catalyst_app;
GRANT SELECT, UPDATE (status, answer, remedy, details, answered_at) ON campaign_requests TO catalyst_pipeline;

CREATE FUNCTION publish_request() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM publish_change('request.' || NEW.status, NEW.campaign, jsonb_build_object(
        'request_id', NEW.request_id, 'asked', NEW.kind, 'actor', NEW.actor, 'answer', NEW.answer));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION publish_request FROM PUBLIC;
CREATE CONSTRAINT TRIGGER campaign_requests_published AFTER INSERT OR UPDATE ON campaign_requests
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_request();

CREATE VIEW reading.campaign_requests AS
    SELECT request_id, campaign, kind, actor, reason, asked_at, status, answer, remedy, answered_at
    FROM campaign_requests;
COMMENT ON VIEW reading.campaign_requests IS 'What people asked of campaigns by the API: who, when, and what became of it.';
COMMENT ON COLUMN reading.campaign_requests.request_id IS 'Its number; later ones are larger.';
COMMENT ON COLUMN reading.campaign_requests.campaign IS 'The campaign.';
COMMENT ON COLUMN reading.campaign_requests.kind IS 'start, validate, stop, next, retry or report.';
COMMENT ON COLUMN reading.campaign_requests.actor IS 'Who asked.';
COMMENT ON COLUMN reading.campaign_requests.reason IS 'Why.';
COMMENT ON COLUMN reading.campaign_requests.asked_at IS 'When.';
COMMENT ON COLUMN reading.campaign_requests.status IS 'waiting, done or refused.';
COMMENT ON COLUMN reading.campaign_requests.answer IS 'What was done, or why it was refused.';
COMMENT ON COLUMN reading.campaign_requests.remedy IS 'What can be done where it was refused.';
COMMENT ON COLUMN reading.campaign_requests.answered_at IS 'When it was answered; null while it waits.';
GRANT SELECT ON reading.campaign_requests TO catalyst_analyst, catalyst_app, catalyst_pipeline;
