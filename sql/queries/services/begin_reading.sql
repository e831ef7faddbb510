-- Until the end of the transaction nothing changes, and one statement takes so long at most.
-- Parameters: milliseconds.
SELECT set_config('transaction_read_only', 'on', true), set_config('statement_timeout', CAST(:milliseconds AS text), true),
       set_config('cursor_tuple_fraction', '1', true)
