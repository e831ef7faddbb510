-- A material is evaluated in one iteration of a campaign at a time, whoever sends it there.

-- Fires after candidates_lifecycle (by name), so that an illegal step is called that.
CREATE FUNCTION refuse_second_evaluation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    the_campaign text := (SELECT campaign FROM active_learning_runs WHERE partition_key = NEW.partition_key);
    other candidates%ROWTYPE;
BEGIN
    -- Of two who flag it in two iterations at once, the second waits here and then sees the first.
    PERFORM pg_advisory_xact_lock(hashtextextended(the_campaign || ' ' || NEW.material_id, 0));
    SELECT c.* INTO other
    FROM candidates c
    JOIN active_learning_runs r USING (partition_key)
    WHERE c.material_id = NEW.material_id AND r.campaign = the_campaign
      AND c.partition_key <> NEW.partition_key AND c.status IN ('flagged', 'in_validation', 'validated')
    ORDER BY r.iteration DESC
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'candidate % cannot be %: its material % is % in iteration % already',
            NEW.candidate_id, CASE NEW.status WHEN 'ranked' THEN 'restored' ELSE 'flagged' END,
            NEW.material_id, replace(CAST(other.status AS text), '_', ' '), other.partition_key
            USING ERRCODE = 'check_violation',
                  HINT = 'a material is evaluated in one iteration of a campaign at a time';
    END IF;
    RETURN NULL;
END $$;

-- Only the ways in: what two iterations had flagged before this migration may still be answered.
CREATE TRIGGER candidates_one_evaluation AFTER UPDATE OF status ON candidates
    FOR EACH ROW
    WHEN (OLD.status = 'ranked' AND NEW.status = 'flagged' OR OLD.status = 'rejected' AND NEW.status = 'ranked')
    EXECUTE FUNCTION refuse_second_evaluation();
