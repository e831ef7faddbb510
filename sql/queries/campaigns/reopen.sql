UPDATE campaigns SET status = 'active', stop_reason = NULL, finished_at = NULL
WHERE name = :name AND status = 'finished'
