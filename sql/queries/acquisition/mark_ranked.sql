UPDATE active_learning_runs SET status = 'ranked' WHERE partition_key = :partition_key AND status = 'open'
