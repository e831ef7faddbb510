SELECT job_id, validator, material_id, method, properties, settings, status, attempt, run_id, process, folder, reason,
    answers, note, files, submitted_at, started_at, finished_at
FROM validation_jobs WHERE job_id = ANY (CAST(:job_ids AS text[]))
