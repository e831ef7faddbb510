-- What predicts for an iteration with this model of its own; no row before it was chosen.
-- :partition_key, :own_sha256
SELECT model_sha256, champion_version, reason FROM predictors
WHERE partition_key = :partition_key AND own_sha256 = :own_sha256;
