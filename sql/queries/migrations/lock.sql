-- One migrator at a time; released with the transaction. The number only has to be ours.
SELECT pg_advisory_xact_lock(7305811428150993);
