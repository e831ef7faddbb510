-- The calculation that answers for a candidate, the newest one of several.
SELECT job_id FROM validation_jobs
WHERE material_id = :material_id AND validator = :validator AND method = :method
ORDER BY submitted_at DESC LIMIT 1
