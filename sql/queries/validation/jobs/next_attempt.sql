UPDATE validation_jobs SET attempt = attempt + 1, reason = :reason, process = '{}', started_at = now()
WHERE job_id = :job_id AND attempt = :attempt AND status = 'running'
