-- A run writes only while it has its claim. One that was given up loses it for good, so that a process which was
-- asleep and goes on writes nothing.
CREATE TABLE run_claims (
    run_id   text PRIMARY KEY,
    made_at  timestamptz NOT NULL DEFAULT now(),
    lost_at  timestamptz,
    reason   text,
    CHECK ((lost_at IS NULL) = (reason IS NULL))
);
CREATE INDEX run_claims_held ON run_claims (made_at) WHERE lost_at IS NULL;

CREATE FUNCTION run_claim_lock(p_run_id text) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT hashtextextended('catalyst run ' || p_run_id, 0) $$;

-- Called first in each transaction of a run. The lock lasts as long as the transaction; being no row's, it costs a
-- transaction that only reads no write, and does not hold up the run's heartbeat.
CREATE FUNCTION hold_run_claim(p_run_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    lost run_claims%ROWTYPE;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(run_claim_lock(p_run_id));
    SELECT * INTO lost FROM run_claims WHERE run_id = p_run_id AND lost_at IS NOT NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'run % was given up at %: %', p_run_id, to_char(lost.lost_at, 'YYYY-MM-DD HH24:MI:SS TZ'), lost.reason
            USING ERRCODE = 'CF001';
    END IF;
END $$;

-- Whoever takes a claim away cuts off the transactions that are open under it: their process may never go on.
CREATE FUNCTION lose_run_claim(p_run_id text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '20s' AS $$
DECLARE
    key bigint := run_claim_lock(p_run_id);
BEGIN
    IF NOT pg_try_advisory_xact_lock(key) THEN
        PERFORM pg_terminate_backend(pid) FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND classid = ((key >> 32) & 4294967295)::oid AND objid = (key & 4294967295)::oid AND objsubid = 1;
        PERFORM pg_advisory_xact_lock(key);
    END IF;
    INSERT INTO run_claims (run_id, lost_at, reason) VALUES (p_run_id, now(), p_reason)
    ON CONFLICT (run_id) DO UPDATE SET lost_at = excluded.lost_at, reason = excluded.reason
        WHERE run_claims.lost_at IS NULL;
END $$;

REVOKE ALL ON FUNCTION run_claim_lock, hold_run_claim, lose_run_claim FROM PUBLIC;
GRANT SELECT, DELETE ON run_claims TO catalyst_pipeline;
GRANT INSERT (run_id) ON run_claims TO catalyst_pipeline;
GRANT EXECUTE ON FUNCTION hold_run_claim TO catalyst_pipeline, catalyst_validator, catalyst_app;
GRANT EXECUTE ON FUNCTION lose_run_claim TO catalyst_pipeline;
