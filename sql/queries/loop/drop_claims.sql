-- Of runs that ended well, or that nobody remembers: a claim that nobody took away is as good as none.
DELETE FROM run_claims WHERE run_id = ANY (CAST(:run_ids AS text[])) AND lost_at IS NULL
