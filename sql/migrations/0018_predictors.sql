-- Which model predicts for an iteration: its own, or the champion conditioned on its labels. Chosen once, and kept.

CREATE TABLE predictors (
    partition_key    text NOT NULL REFERENCES active_learning_runs,
    -- the iteration's own model when it was chosen; another one is another choice
    own_sha256       text NOT NULL,
    -- what predicts; the same where the iteration's own does
    model_sha256     text NOT NULL,
    -- registered version that it is or was conditioned from; null where the iteration's own is not registered
    champion_version integer CHECK (champion_version > 0),
    reason           text NOT NULL,
    chosen_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition_key, own_sha256)
);
GRANT SELECT, INSERT, UPDATE ON predictors TO catalyst_pipeline;
GRANT SELECT ON predictors TO catalyst_validator, catalyst_app;

-- Which registered version a model of an iteration is, or was conditioned from.
CREATE VIEW predicting_versions AS
    SELECT partition_key, model_sha256, model_name, model_version FROM registered_models
    UNION ALL
    SELECT DISTINCT p.partition_key, p.model_sha256, r.campaign, p.champion_version
    FROM predictors p
    JOIN active_learning_runs r USING (partition_key)
    WHERE p.model_sha256 <> p.own_sha256 AND p.champion_version IS NOT NULL;
GRANT SELECT ON predicting_versions TO catalyst_pipeline, catalyst_validator, catalyst_app;

-- What people read names the version that predicted, too, where it was conditioned.
CREATE OR REPLACE VIEW reading.prediction_history AS
    SELECT r.campaign, r.iteration, p.material_id, m.reduced_formula AS formula, named.property, named.value,
        named.uncertainty, k.unit, r.document ->> 'method' AS method,
        registered.model_name || '@' || registered.model_version AS model_version,
        p.distance, p.distance > v.distance_threshold AS out_of_distribution, v.created_at AS predicted_at
    FROM active_learning_runs r
    JOIN prediction_versions v ON v.version = r.prediction_version
    JOIN predictions p ON p.version = r.prediction_version
    JOIN materials m USING (material_id)
    CROSS JOIN LATERAL unnest(v.properties, p.mean, p.std) AS named (property, value, uncertainty)
    LEFT JOIN known_properties k ON k.property = named.property
    LEFT JOIN predicting_versions registered
           ON registered.partition_key = v.partition_key AND registered.model_sha256 = v.model_sha256
    WHERE r.status <> 'abandoned';

CREATE OR REPLACE VIEW reading.candidates AS
    SELECT c.candidate_id, r.campaign, r.iteration, c.rank, c.material_id, m.reduced_formula AS formula,
        CAST(c.status AS text) AS status, CAST(c.rejection_kind AS text) AS rejection_kind, c.feasibility,
        c.acquisition, g.strategy, registered.model_name || '@' || registered.model_version AS model_version,
        c.updated_at
    FROM candidates c
    JOIN active_learning_runs r USING (partition_key)
    JOIN materials m USING (material_id)
    JOIN rankings g USING (partition_key)
    JOIN prediction_versions v ON v.version = g.prediction_version
    LEFT JOIN predicting_versions registered
           ON registered.partition_key = v.partition_key AND registered.model_sha256 = v.model_sha256;
