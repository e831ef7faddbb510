-- One validation of a campaign at a time, of whichever iteration: they share its budget. Released with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('validation of ' || :campaign, 0))
