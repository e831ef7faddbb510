-- Calculations whose name begins so.
SELECT job_id FROM validation_jobs WHERE job_id LIKE :prefix || '%' ORDER BY job_id LIMIT 2
