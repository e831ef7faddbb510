-- The next pair of attempts begins: a person asks.
UPDATE validation_jobs
SET status = 'waiting', attempt = attempt + 1 + attempt % 2, reason = '', run_id = NULL, process = '{}',
    submitted_at = now(), started_at = NULL, finished_at = NULL
WHERE job_id = :job_id AND status IN ('failed', 'cancelled')
