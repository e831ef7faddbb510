SELECT partition_key, label_sha256 FROM active_learning_runs ORDER BY partition_key
