UPDATE active_learning_runs SET status = 'closed', closed_at = now()
WHERE partition_key = :partition_key AND status = 'ranked'
