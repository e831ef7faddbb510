-- The champion as the registry has it; a person may have moved it since it was noted.
INSERT INTO champions (model_name, model_version) VALUES (:model_name, :model_version)
ON CONFLICT (model_name) DO UPDATE SET model_version = excluded.model_version, noted_at = now()
WHERE champions.model_version <> excluded.model_version
