-- A ranking that people or validation acted upon stays as it was, for the role that computes too.

-- Finds in no time whether an iteration has been acted upon.
CREATE INDEX candidates_acted_upon ON candidates (partition_key) WHERE status <> 'ranked';

CREATE FUNCTION refuse_late_ranks() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    acted_upon text;
BEGIN
    -- What moves candidates runs as the owner.
    IF pg_has_role(current_user, 'catalyst_owner', 'USAGE') THEN
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
REVOKE ALL ON FUNCTION refuse_late_ranks FROM PUBLIC;
CREATE TRIGGER candidates_kept_insert AFTER INSERT ON candidates REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_ranks();
CREATE TRIGGER candidates_kept_update AFTER UPDATE ON candidates REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_ranks();
CREATE TRIGGER rankings_kept AFTER UPDATE ON rankings REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_ranks();

-- What checks with the rights of who writes looks at our tables, whatever else the writer has of these names.
ALTER FUNCTION refuse_late_labels SET search_path = public, pg_temp;

-- Loading stages rows in temporary tables; nobody else has a use for them.
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO catalyst_pipeline, catalyst_validator', current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'the database belongs to somebody else, and is left as it is';
END $$;

-- Notes are told to who listens -----------------------------------------------------------------

CREATE FUNCTION publish_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM publish_change('note.written', NULL, jsonb_build_object(
        'note_id', NEW.note_id, 'material_id', NEW.material_id, 'actor', NEW.author, 'text', NEW.text));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION publish_note FROM PUBLIC;
CREATE CONSTRAINT TRIGGER material_notes_published AFTER INSERT ON material_notes
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_note();
