-- Let others follow a calculation; the end of the connection would do it, but a moment after it.
SELECT pg_advisory_unlock(hashtextextended('validation_jobs:' || :job_id, 0)) AS was_ours
