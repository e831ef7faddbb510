-- Ended for good without a problem; with one, another may try.
UPDATE step_leases
SET holder = NULL, problem = CAST(:problem AS text),
    ended_at = CASE WHEN CAST(:problem AS text) IS NULL THEN clock_timestamp() END
WHERE run_id = :run_id AND step_key = :step_key AND attempt = :attempt AND holder = :holder
