-- Services, which never go as the owner, look whether the schema is theirs.
GRANT SELECT ON schema_migrations TO catalyst_pipeline, catalyst_validator, catalyst_app;
