-- One validation of an iteration at a time; released with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('validation of ' || :partition_key, 0))
