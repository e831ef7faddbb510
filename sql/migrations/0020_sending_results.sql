-- Who may send results over HTTP, and what the role that takes them may do.

CREATE TABLE api_tokens (
    token_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL CHECK (name <> ''),
    sha256       text NOT NULL UNIQUE CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    may          text[] NOT NULL CHECK (may <@ ARRAY['read', 'results'] AND cardinality(may) > 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz CHECK (expires_at > created_at),
    last_used_at timestamptz,
    revoked_at   timestamptz
);
-- A name is one person's or instrument's: a new token of it comes when the old one was revoked.
CREATE UNIQUE INDEX api_tokens_name ON api_tokens (name) WHERE revoked_at IS NULL;

GRANT SELECT, UPDATE (last_used_at) ON api_tokens TO catalyst_app;

COMMENT ON TABLE api_tokens IS 'A token that requests to the API may carry.';
COMMENT ON COLUMN api_tokens.token_id IS 'Number of the token.';
COMMENT ON COLUMN api_tokens.name IS 'Whose it is: results that it brings carry this name.';
COMMENT ON COLUMN api_tokens.sha256 IS 'Hash of the token; the token itself is kept nowhere.';
COMMENT ON COLUMN api_tokens.may IS 'What may be done with it: read, or results (send, correct and retract them, start validation).';
COMMENT ON COLUMN api_tokens.created_at IS 'When it was made.';
COMMENT ON COLUMN api_tokens.expires_at IS 'When it ends; null for never.';
COMMENT ON COLUMN api_tokens.last_used_at IS 'When it was last used, to the minute.';
COMMENT ON COLUMN api_tokens.revoked_at IS 'When it was revoked; null where it was not.';

-- Move a candidate only from where the caller believes it to be; false when it is there already.
CREATE FUNCTION transition_candidate_from(
    p_candidate_id bigint, p_from candidate_status, p_to candidate_status, p_actor text, p_reason text DEFAULT ''
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    held candidates%ROWTYPE;
BEGIN
    SELECT * INTO held FROM candidates WHERE candidate_id = p_candidate_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no candidate %', p_candidate_id USING ERRCODE = 'no_data_found';
    END IF;
    IF held.status = p_to THEN
        RETURN false;
    END IF;
    IF held.status <> p_from THEN
        RAISE EXCEPTION 'candidate % is %, not %', p_candidate_id, replace(CAST(held.status AS text), '_', ' '),
            replace(CAST(p_from AS text), '_', ' ')
            USING ERRCODE = 'check_violation',
                  HINT = 'ranked, then flagged, then in_validation, then validated';
    END IF;
    RETURN transition_candidate(p_candidate_id, p_to, p_actor, p_reason);
END $$;
REVOKE ALL ON FUNCTION transition_candidate_from FROM PUBLIC;
GRANT EXECUTE ON FUNCTION transition_candidate_from TO catalyst_pipeline, catalyst_validator, catalyst_app;

-- The app tries out what results would do and takes it back: only a validator's look at them stays.
CREATE FUNCTION refuse_to_examine() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role(current_user, 'catalyst_validator', 'USAGE') THEN
        RAISE EXCEPTION 'only a validator examines results' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION refuse_to_examine FROM PUBLIC;
CREATE CONSTRAINT TRIGGER result_examinations_stay AFTER INSERT OR UPDATE ON result_examinations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_to_examine();
GRANT INSERT, UPDATE ON result_examinations TO catalyst_app;
