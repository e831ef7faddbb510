SELECT run_id, host, pid, process_started, beat_at FROM run_heartbeats
WHERE run_id = ANY (CAST(:run_ids AS text[]))
