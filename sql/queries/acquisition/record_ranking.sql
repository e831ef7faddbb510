INSERT INTO rankings (partition_key, prediction_version, strategy, exploration_weight, batch_size, seed,
                      label_sha256, features_sha256, ranking_sha256, history, code_version)
VALUES (:partition_key, :prediction_version, :strategy, :exploration_weight, :batch_size, :seed,
        :label_sha256, :features_sha256, :ranking_sha256,
        CAST(:history AS jsonb), :code_version)
ON CONFLICT (partition_key) DO UPDATE SET
    prediction_version = excluded.prediction_version, strategy = excluded.strategy,
    exploration_weight = excluded.exploration_weight, batch_size = excluded.batch_size, seed = excluded.seed,
    label_sha256 = excluded.label_sha256, features_sha256 = excluded.features_sha256,
    ranking_sha256 = excluded.ranking_sha256,
    history = excluded.history, code_version = excluded.code_version, created_at = now()
