-- The registered version of an iteration's model; no row while it is not registered.
SELECT model_name, model_version FROM registered_models
WHERE partition_key = :partition_key AND model_sha256 = :model_sha256
