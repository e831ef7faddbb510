SELECT run_id, made_at < now() - interval '7 days' AS is_old FROM run_claims WHERE lost_at IS NULL
