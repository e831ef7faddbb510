-- One process at a time writes messages; released with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('catalyst work order messages', 0))
