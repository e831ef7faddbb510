-- The version under which an iteration's model is registered.
INSERT INTO registered_models (partition_key, model_sha256, model_name, model_version)
VALUES (:partition_key, :model_sha256, :model_name, :model_version)
ON CONFLICT (partition_key, model_sha256) DO UPDATE
SET model_name = excluded.model_name, model_version = excluded.model_version, registered_at = now()
WHERE (registered_models.model_name, registered_models.model_version)
      IS DISTINCT FROM (excluded.model_name, excluded.model_version)
