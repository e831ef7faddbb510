-- Until the end of the transaction nobody else writes materials.
SELECT pg_advisory_xact_lock(hashtextextended('catalyst materials', 0));
