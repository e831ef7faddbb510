-- One of those who would do a step gets it: no one else holds it, or its holder, who is known, is dead or silent.
UPDATE step_leases
SET holder = :holder, host = :host, pid = :pid, process_started = :process_started, beat_at = clock_timestamp(),
    takes = takes + 1, problem = NULL
WHERE run_id = :run_id AND step_key = :step_key AND attempt = :attempt AND ended_at IS NULL AND takes < :most
    AND holder IS NOT DISTINCT FROM CAST(:known AS text)
    AND (holder IS NULL OR :is_dead OR beat_at < clock_timestamp() - make_interval(secs => :silence_s))
RETURNING takes
