UPDATE validation_jobs SET status = 'cancelled', reason = :reason, finished_at = now()
WHERE job_id = :job_id AND status IN ('waiting', 'running')
