SELECT version, status FROM open_prediction_version(
    :partition_key, :model_sha256, :pool_sha256, CAST(:properties AS text[]), :n_draws,
    CAST(:distance_threshold AS double precision))
