-- Written before candidates are settled: a result that is examined meanwhile has them settled again.
UPDATE active_learning_runs SET settled = iteration_standing(partition_key)
WHERE partition_key = :partition_key AND settled <> iteration_standing(partition_key)
