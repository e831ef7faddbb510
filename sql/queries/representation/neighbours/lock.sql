-- Until the end of the transaction nobody else writes components.
SELECT pg_advisory_xact_lock(hashtextextended('catalyst structure vectors', 0));
