INSERT INTO active_learning_runs
    (partition_key, campaign, iteration, parent, campaign_sha256, document, label_count, label_sha256,
     pool_sha256)
VALUES (:partition_key, :campaign, :iteration, :parent, :campaign_sha256, CAST(:document AS jsonb),
        :label_count, :label_sha256, :pool_sha256)
