-- The steps that workers do now, the one that was taken last first.
SELECT run_id, step_key, attempt, queue, holder, pid, takes
FROM step_leases WHERE holder IS NOT NULL AND ended_at IS NULL ORDER BY takes, beat_at DESC
