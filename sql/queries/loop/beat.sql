-- A run says that it is alive.
INSERT INTO run_heartbeats (run_id, host, pid, process_started)
VALUES (:run_id, :host, :pid, :process_started)
ON CONFLICT (run_id) DO UPDATE
SET host = excluded.host, pid = excluded.pid, process_started = excluded.process_started,
    beat_at = clock_timestamp()
