-- Ask for a calculation; what waits, runs or is done stays, what failed or was cancelled begins its next pair of attempts.
INSERT INTO validation_jobs AS known (job_id, validator, material_id, method, properties, settings)
VALUES (:job_id, :validator, :material_id, :method, :properties, CAST(:settings AS jsonb))
ON CONFLICT (job_id) DO UPDATE SET
    status = 'waiting', attempt = known.attempt + 1 + known.attempt % 2, reason = '', run_id = NULL, process = '{}',
    submitted_at = now(), started_at = NULL, finished_at = NULL
WHERE known.status IN ('failed', 'cancelled')
