SELECT partition_key, prediction_version, strategy, exploration_weight, batch_size, seed, label_sha256,
       features_sha256, ranking_sha256
FROM rankings WHERE partition_key = :partition_key
