-- How long finished calculations of a source's materials took.
SELECT extract(epoch FROM j.finished_at - j.started_at) / 60 AS minutes
FROM validation_jobs j JOIN material_sources s USING (material_id)
WHERE j.status IN ('done', 'failed') AND j.validator = :validator AND j.method = :method AND s.source = :source
  AND j.started_at IS NOT NULL
