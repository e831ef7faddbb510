-- A registry that was lost numbers its versions anew: nobody else may still be called by this number.
DELETE FROM registered_models
WHERE model_name = :model_name AND model_version = :model_version
  AND (partition_key, model_sha256) <> (:partition_key, :model_sha256)
