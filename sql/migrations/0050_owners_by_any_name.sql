-- The owner of an installation's tables goes by any name: who it is, the tables say.

CREATE OR REPLACE FUNCTION refuse_late_labels() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- An iteration and its labels are written by one transaction, which has one time.
    IF NOT (SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = TG_RELID) AND EXISTS (
        SELECT 1 FROM (SELECT DISTINCT partition_key FROM added) late
        JOIN active_learning_runs r USING (partition_key) WHERE r.opened_at <> now()
    ) THEN
        RAISE EXCEPTION 'the labels of an iteration are frozen when it opens' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION refuse_late_ranks() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    acted_upon text;
BEGIN
    -- What moves candidates runs as the owner.
    IF (SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = TG_RELID) THEN
        RETURN NULL;
    END IF;
    SELECT partition_key INTO acted_upon FROM (SELECT DISTINCT partition_key FROM changed) late
    WHERE EXISTS (SELECT FROM candidates c WHERE c.partition_key = late.partition_key AND c.status <> 'ranked')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the ranks of % are kept: candidates of it have been acted upon', acted_upon
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
