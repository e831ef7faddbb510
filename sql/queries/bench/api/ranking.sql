-- :partition_key, :version, :strategy, :exploration_weight, :sha256, :history
INSERT INTO rankings (partition_key, prediction_version, strategy, exploration_weight, batch_size, seed, label_sha256,
                      features_sha256, ranking_sha256, history)
VALUES (:partition_key, :version, :strategy, :exploration_weight, 100, 0, :sha256, :sha256, :sha256,
        CAST(:history AS jsonb))
