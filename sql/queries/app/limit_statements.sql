-- Until the end of the transaction one statement takes so long at most.
-- :milliseconds
SELECT set_config('statement_timeout', CAST(:milliseconds AS text), true)
