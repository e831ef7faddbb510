-- What a calculation answered, and where its inputs, log and result are kept.

ALTER TABLE validation_jobs
    ADD COLUMN answers jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(answers) = 'object'),
    ADD COLUMN note text NOT NULL DEFAULT '',
    ADD COLUMN files jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(files) = 'object'),
    ADD CONSTRAINT validation_jobs_says_why CHECK (status NOT IN ('failed', 'cancelled') OR reason <> '');

COMMENT ON COLUMN validation_jobs.job_id IS 'Hash of what is computed: the same calculation is the same row.';
COMMENT ON COLUMN validation_jobs.validator IS 'Who computes.';
COMMENT ON COLUMN validation_jobs.material_id IS 'The material.';
COMMENT ON COLUMN validation_jobs.method IS 'How the values are obtained.';
COMMENT ON COLUMN validation_jobs.properties IS 'The properties that are asked for.';
COMMENT ON COLUMN validation_jobs.settings IS 'All that the answer depends on beside structure and method.';
COMMENT ON COLUMN validation_jobs.status IS 'Waiting, running, done, failed or cancelled.';
COMMENT ON COLUMN validation_jobs.attempt IS 'Which attempt it is: they come in pairs, a second one for a first that died; who asks again begins the next pair.';
COMMENT ON COLUMN validation_jobs.run_id IS 'The run of Dagster that followed it last.';
COMMENT ON COLUMN validation_jobs.process IS 'Host, process id and start of the process that runs it.';
COMMENT ON COLUMN validation_jobs.folder IS 'The folder that it works in.';
COMMENT ON COLUMN validation_jobs.reason IS 'Why it failed or was cancelled.';
COMMENT ON COLUMN validation_jobs.submitted_at IS 'When it was asked for.';
COMMENT ON COLUMN validation_jobs.started_at IS 'When its last attempt began.';
COMMENT ON COLUMN validation_jobs.finished_at IS 'When it ended.';
COMMENT ON COLUMN validation_jobs.answers IS 'Value, unit and standard deviation by property.';
COMMENT ON COLUMN validation_jobs.note IS 'What the program said beside them.';
COMMENT ON COLUMN validation_jobs.files IS 'Hashes of inputs, log and result by name; the object store keeps each under validation/.';
