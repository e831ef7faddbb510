-- What a page of candidates costs does not grow with the pool: how many there are is kept, not counted.

-- How many candidates of an iteration stand how: the sum of the rows. Who moves candidates adds rows and changes none, so
-- that nobody waits for another; rows are put together now and then.
CREATE TABLE candidate_counts (
    count_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign  text NOT NULL,
    iteration integer NOT NULL,
    status    candidate_status NOT NULL,
    n         bigint NOT NULL
);
CREATE INDEX candidate_counts_iteration ON candidate_counts (campaign, iteration, status) INCLUDE (n);
COMMENT ON TABLE candidate_counts IS 'How many candidates of an iteration have a status: the sum of n.';
COMMENT ON COLUMN candidate_counts.count_id IS 'Number of the row.';
COMMENT ON COLUMN candidate_counts.campaign IS 'The campaign.';
COMMENT ON COLUMN candidate_counts.iteration IS 'The iteration.';
COMMENT ON COLUMN candidate_counts.status IS 'Ranked, flagged, in validation, validated or rejected.';
COMMENT ON COLUMN candidate_counts.n IS 'How many more, or fewer where it is negative.';
GRANT SELECT ON candidate_counts TO catalyst_app;

CREATE FUNCTION count_candidates() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    is_time boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        WITH added AS (
            INSERT INTO candidate_counts (campaign, iteration, status, n)
            SELECT r.campaign, r.iteration, k.status, count(*)
            FROM changed k JOIN active_learning_runs r USING (partition_key)
            GROUP BY r.campaign, r.iteration, k.status
            RETURNING count_id
        )
        SELECT bool_or(count_id % 64 = 0) INTO is_time FROM added;
    ELSE
        WITH moved AS (
            SELECT partition_key, status, sum(n) AS n
            FROM (
                SELECT partition_key, status, -1 AS n FROM before
                UNION ALL
                SELECT partition_key, status, 1 FROM changed
            ) both_ways
            GROUP BY partition_key, status HAVING sum(n) <> 0
        ), added AS (
            INSERT INTO candidate_counts (campaign, iteration, status, n)
            SELECT r.campaign, r.iteration, moved.status, moved.n
            FROM moved JOIN active_learning_runs r USING (partition_key)
            RETURNING count_id
        )
        SELECT bool_or(count_id % 64 = 0) INTO is_time FROM added;
    END IF;
    IF is_time AND pg_try_advisory_xact_lock(hashtextextended('catalyst.candidate_counts', 0)) THEN
        WITH gone AS (
            DELETE FROM candidate_counts WHERE (campaign, iteration, status) IN (
                SELECT campaign, iteration, status FROM candidate_counts
                GROUP BY campaign, iteration, status HAVING count(*) > 1
            ) RETURNING campaign, iteration, status, n
        )
        INSERT INTO candidate_counts (campaign, iteration, status, n)
        SELECT campaign, iteration, status, sum(n) FROM gone GROUP BY campaign, iteration, status HAVING sum(n) <> 0;
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION count_candidates FROM PUBLIC;
CREATE TRIGGER candidates_counted_insert AFTER INSERT ON candidates
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_candidates();
CREATE TRIGGER candidates_counted_update AFTER UPDATE ON candidates
    REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_candidates();

INSERT INTO candidate_counts (campaign, iteration, status, n)
SELECT r.campaign, r.iteration, k.status, count(*)
FROM candidates k JOIN active_learning_runs r USING (partition_key)
GROUP BY r.campaign, r.iteration, k.status;

-- How the values of properties are distributed: partial indexes do not tell the planner.
DO $$
BEGIN
    FOR place IN 1..16 LOOP
        EXECUTE format('CREATE STATISTICS %I ON (numbers[%s]) FROM candidate_listing',
            'candidate_listing_spread_' || place, place);
    END LOOP;
END $$;

CREATE INDEX candidate_listing_oldest ON candidate_listing (iteration, place, candidate_id);

-- Whether anything was answered or ranked since somebody looked.
CREATE INDEX changes_of_answers ON changes (change_id) WHERE kind LIKE 'result.%' OR kind = 'iteration.list';
