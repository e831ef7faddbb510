-- :partition_key, :own_sha256, :model_sha256, :champion_version, :reason
INSERT INTO predictors (partition_key, own_sha256, model_sha256, champion_version, reason)
VALUES (:partition_key, :own_sha256, :model_sha256, CAST(:champion_version AS integer), :reason)
ON CONFLICT (partition_key, own_sha256) DO UPDATE
SET model_sha256 = excluded.model_sha256, champion_version = excluded.champion_version, reason = excluded.reason,
    chosen_at = now();
