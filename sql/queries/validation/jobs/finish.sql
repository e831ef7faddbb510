UPDATE validation_jobs
SET status = :status, reason = :reason, answers = CAST(:answers AS jsonb), note = :note, files = CAST(:files AS jsonb),
    finished_at = now()
WHERE job_id = :job_id AND attempt = :attempt AND status IN ('waiting', 'running')
