-- A step waits for a worker; one that waits already was handed over again.
INSERT INTO step_leases (run_id, step_key, attempt, queue) VALUES (:run_id, :step_key, :attempt, :queue)
ON CONFLICT (run_id, step_key, attempt) DO UPDATE
SET queue = excluded.queue, submitted_at = clock_timestamp(), submissions = step_leases.submissions + 1
