UPDATE validation_jobs SET process = CAST(:process AS jsonb)
WHERE job_id = :job_id AND attempt = :attempt AND process IS DISTINCT FROM CAST(:process AS jsonb)
