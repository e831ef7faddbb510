-- Calculations that a run must follow, oldest first.
SELECT j.job_id, j.material_id, j.validator, j.attempt, j.status, j.run_id, m.reduced_formula AS formula
FROM validation_jobs j JOIN materials m USING (material_id)
WHERE j.status IN ('waiting', 'running') ORDER BY j.submitted_at, j.job_id
