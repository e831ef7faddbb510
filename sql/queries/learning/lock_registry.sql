-- Until the end of the transaction nobody else registers or promotes versions of this model.
SELECT pg_advisory_xact_lock(hashtextextended('catalyst model ' || :name, 0))
