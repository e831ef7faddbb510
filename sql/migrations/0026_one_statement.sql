-- What an analyst asks is one statement, and it reads.

-- Opened as a cursor, a text of two statements is refused before the first of them runs, and so is one that returns no rows.
CREATE FUNCTION reading.open_statement(statement text, name text) RETURNS refcursor LANGUAGE plpgsql AS $$
DECLARE
    opened refcursor := name;
BEGIN
    OPEN opened FOR EXECUTE statement;
    RETURN opened;
END $$;
COMMENT ON FUNCTION reading.open_statement IS 'Open a cursor of that name for one statement, with the rights of who calls.';
REVOKE ALL ON FUNCTION reading.open_statement FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reading.open_statement TO catalyst_analyst;

DO $$
BEGIN
    ALTER ROLE catalyst_analyst SET default_transaction_read_only = on;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'catalyst_analyst belongs to somebody else, and is left as it is';
END $$;
