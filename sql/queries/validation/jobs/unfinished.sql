-- Calculations that a run must follow, oldest first.
SELECT job_id, material_id, validator, attempt, status, run_id FROM validation_jobs
WHERE status IN ('waiting', 'running') ORDER BY submitted_at, job_id
