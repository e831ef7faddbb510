-- One submission is recorded at a time: whether a row is new depends on what others add. Released with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('catalyst validation results', 0))
