-- :partition_key, :campaign, :iteration, :parent, :document, :sha256
INSERT INTO active_learning_runs (partition_key, campaign, iteration, parent, campaign_sha256, document, status,
                                  label_count, label_sha256)
VALUES (:partition_key, :campaign, :iteration, :parent, :sha256, CAST(:document AS jsonb), 'ranked', 0, :sha256)
