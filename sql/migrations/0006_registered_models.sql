-- Which version of the model registry a model is, so that predictions can name the version they used.

CREATE TABLE registered_models (
    partition_key text NOT NULL REFERENCES active_learning_runs,
    model_sha256  text NOT NULL,
    model_name    text NOT NULL,
    model_version integer NOT NULL CHECK (model_version > 0),
    registered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition_key, model_sha256),
    UNIQUE (model_name, model_version)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON registered_models TO catalyst_pipeline;
GRANT SELECT ON registered_models TO catalyst_validator, catalyst_app;
