-- Of runs that nobody can be waiting for any more: whoever holds a lease beats.
DELETE FROM step_leases WHERE coalesce(ended_at, beat_at, submitted_at) < now() - interval '7 days'
