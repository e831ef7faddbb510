DELETE FROM run_requests WHERE requested_at < now() - interval '1 day'
