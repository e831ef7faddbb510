UPDATE active_learning_runs SET training_set_sha256 = :sha256 WHERE partition_key = :partition_key
