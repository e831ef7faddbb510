-- A run begins to follow a calculation.
UPDATE validation_jobs
SET status = 'running', run_id = :run_id, folder = :folder, started_at = coalesce(started_at, now())
WHERE job_id = :job_id AND status IN ('waiting', 'running')
