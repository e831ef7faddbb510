SELECT lose_run_claim(:run_id, :reason)
