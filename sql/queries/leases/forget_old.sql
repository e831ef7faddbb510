DELETE FROM step_leases WHERE submitted_at < now() - interval '7 days'
