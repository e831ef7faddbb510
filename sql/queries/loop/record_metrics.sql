-- Metrics of one stage join those of the others.
UPDATE active_learning_runs SET metrics = metrics || CAST(:metrics AS jsonb) WHERE partition_key = :partition_key
