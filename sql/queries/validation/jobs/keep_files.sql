UPDATE validation_jobs SET files = CAST(:files AS jsonb) WHERE job_id = :job_id AND attempt = :attempt
