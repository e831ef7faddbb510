-- Until the end of the transaction nobody else loads records of this source, and nobody compares or derives.
-- Parameters: source.
SELECT
    pg_advisory_xact_lock_shared(hashtextextended('catalyst materials', 0)),
    pg_advisory_xact_lock(hashtextextended('catalyst source ' || :source, 0));
