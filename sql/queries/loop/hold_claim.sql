-- Fails with SQLSTATE CF001 when the run was given up.
SELECT hold_run_claim(:run_id)
