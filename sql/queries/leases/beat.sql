UPDATE step_leases SET beat_at = clock_timestamp()
WHERE run_id = :run_id AND step_key = :step_key AND attempt = :attempt AND holder = :holder AND ended_at IS NULL
RETURNING takes
