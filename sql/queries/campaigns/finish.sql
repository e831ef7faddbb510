UPDATE campaigns SET status = 'finished', stop_reason = :reason, finished_at = now()
WHERE name = :name AND status <> 'finished'
