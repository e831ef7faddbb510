-- Views for people: one row a material and property, in a schema that an analyst's login reads and nothing else.
-- docs/database.md describes them; a view reads tables as the owner, so its readers need no right to any table.

DO $$
BEGIN
    BEGIN
        CREATE ROLE catalyst_analyst NOLOGIN;
    EXCEPTION WHEN duplicate_object THEN NULL;  -- roles are shared by a server's databases
    END;
    GRANT catalyst_analyst TO CURRENT_USER;
END $$;

-- What properties are called and measured in, as the installation's properties files say: SQL cannot read those.
CREATE TABLE known_properties (
    property    text PRIMARY KEY,
    unit        text NOT NULL,
    label       text NOT NULL,
    description text NOT NULL
);
INSERT INTO known_properties (property, unit, label, description)
SELECT DISTINCT ON (property) property, unit, replace(property, '_', ' '), ''
FROM (
    SELECT property, unit, 1 AS preference FROM validation_results
    UNION ALL
    SELECT entry.key, entry.value ->> 'unit', 2
    FROM candidates
    CROSS JOIN LATERAL jsonb_each(predicted) entry
    WHERE rank = 1
) stored
WHERE unit IS NOT NULL
ORDER BY property, preference;
GRANT SELECT, INSERT, UPDATE ON known_properties TO catalyst_pipeline;
GRANT SELECT ON known_properties TO catalyst_validator, catalyst_app;

CREATE SCHEMA reading;
COMMENT ON SCHEMA reading IS 'Views for people: what is known, predicted and decided, one row a material and property.';

-- What there is ---------------------------------------------------------------------------------

CREATE VIEW reading.known_properties AS
    SELECT property, unit, label, description FROM known_properties;
COMMENT ON VIEW reading.known_properties IS 'Properties that may be named, with the unit that every value of one is in.';
COMMENT ON COLUMN reading.known_properties.property IS 'Its name in files, views and the API.';
COMMENT ON COLUMN reading.known_properties.unit IS 'Unit of every stored and predicted value.';
COMMENT ON COLUMN reading.known_properties.label IS 'What people read for it.';
COMMENT ON COLUMN reading.known_properties.description IS 'What it is, in one line.';

CREATE VIEW reading.materials AS
    SELECT material_id, reduced_formula AS formula, chemical_system, elements, n_sites, structure_json AS structure,
        deprecated, same_as, created_at, updated_at
    FROM materials;
COMMENT ON VIEW reading.materials IS 'One row a record of a source. Where several are one crystal, all but one name it in same_as.';
COMMENT ON COLUMN reading.materials.material_id IS 'Source and the name that it has there, such as aflow:1234.';
COMMENT ON COLUMN reading.materials.formula IS 'Reduced formula.';
COMMENT ON COLUMN reading.materials.chemical_system IS 'Its elements in alphabetical order, joined by hyphens.';
COMMENT ON COLUMN reading.materials.elements IS 'Its elements as an array.';
COMMENT ON COLUMN reading.materials.n_sites IS 'Atoms in the cell.';
COMMENT ON COLUMN reading.materials.structure IS 'The crystal as pymatgen writes it.';
COMMENT ON COLUMN reading.materials.deprecated IS 'Withdrawn by its source, or another record stands for its crystal.';
COMMENT ON COLUMN reading.materials.same_as IS 'The material that this record is the crystal of; null where it stands for itself.';
COMMENT ON COLUMN reading.materials.created_at IS 'When it was first loaded.';
COMMENT ON COLUMN reading.materials.updated_at IS 'When it was last changed.';

CREATE VIEW reading.material_sources AS
    SELECT source, source_id, material_id, licence, retrieved_at, raw_sha256 FROM material_sources;
COMMENT ON VIEW reading.material_sources IS 'Which source calls a material what, and under which licence.';
COMMENT ON COLUMN reading.material_sources.source IS 'The source.';
COMMENT ON COLUMN reading.material_sources.source_id IS 'The name that the record has there.';
COMMENT ON COLUMN reading.material_sources.material_id IS 'The material.';
COMMENT ON COLUMN reading.material_sources.licence IS 'Licence of the record.';
COMMENT ON COLUMN reading.material_sources.retrieved_at IS 'When it was fetched.';
COMMENT ON COLUMN reading.material_sources.raw_sha256 IS 'Hash of the bytes that it was read from.';

-- What a source that answers a validator says is no property of a material before it was asked.
CREATE VIEW reading.computed_properties AS
    SELECT m.material_id, m.reduced_formula AS formula, named.property,
        CAST(entry.value ->> 'value' AS double precision) AS value, entry.value ->> 'unit' AS unit,
        entry.value ->> 'method' AS method, entry.value ->> 'source' AS source,
        entry.value ? 'derived' AS is_derived
    FROM materials m
    CROSS JOIN LATERAL jsonb_each(m.properties) AS named (property, entries)
    CROSS JOIN LATERAL jsonb_array_elements(named.entries) AS entry (value)
    WHERE NOT m.deprecated
      AND coalesce(entry.value ->> 'source', '') NOT IN (SELECT source FROM closed_sources);
COMMENT ON VIEW reading.computed_properties IS 'What sources say of materials: one row a material, property, method and source.';
COMMENT ON COLUMN reading.computed_properties.material_id IS 'The material.';
COMMENT ON COLUMN reading.computed_properties.formula IS 'Its reduced formula.';
COMMENT ON COLUMN reading.computed_properties.property IS 'Name of the property.';
COMMENT ON COLUMN reading.computed_properties.value IS 'The value, in unit.';
COMMENT ON COLUMN reading.computed_properties.unit IS 'Unit of the value.';
COMMENT ON COLUMN reading.computed_properties.method IS 'How it was computed or measured; values of two methods are not to be mixed.';
COMMENT ON COLUMN reading.computed_properties.source IS 'Who says so.';
COMMENT ON COLUMN reading.computed_properties.is_derived IS 'Computed here from values of several records, as a distance to the hull is.';

CREATE VIEW reading.adsorption_energies AS
    SELECT source, system_id, frame, relaxed, adsorbate, energy_ev, method, bulk_mpid, bulk_formula, miller_index,
        shift, top, adsorption_site, anomaly, material_class, licence, retrieved_at
    FROM adsorption_energies;
COMMENT ON VIEW reading.adsorption_energies IS 'Adsorption energies on slabs: one row a state of an adsorbate on a surface.';
COMMENT ON COLUMN reading.adsorption_energies.source IS 'Who computed it.';
COMMENT ON COLUMN reading.adsorption_energies.system_id IS 'Name of slab and adsorbate in the source.';
COMMENT ON COLUMN reading.adsorption_energies.frame IS 'Step of the relaxation; -1 for the relaxed state.';
COMMENT ON COLUMN reading.adsorption_energies.relaxed IS 'Whether it is the relaxed state.';
COMMENT ON COLUMN reading.adsorption_energies.adsorbate IS 'What is adsorbed.';
COMMENT ON COLUMN reading.adsorption_energies.energy_ev IS 'Adsorption energy in eV.';
COMMENT ON COLUMN reading.adsorption_energies.method IS 'Functional.';
COMMENT ON COLUMN reading.adsorption_energies.bulk_mpid IS 'Bulk crystal in the Materials Project.';
COMMENT ON COLUMN reading.adsorption_energies.bulk_formula IS 'Formula of the bulk.';
COMMENT ON COLUMN reading.adsorption_energies.miller_index IS 'Facet.';
COMMENT ON COLUMN reading.adsorption_energies.shift IS 'Where along the normal the bulk was cut.';
COMMENT ON COLUMN reading.adsorption_energies.top IS 'Whether the adsorbate is on the upper side of the slab.';
COMMENT ON COLUMN reading.adsorption_energies.adsorption_site IS 'Positions of the adsorbate in Å.';
COMMENT ON COLUMN reading.adsorption_energies.anomaly IS '0 for none; 1 to 4 as OC20 counts desorption, dissociation and surface changes.';
COMMENT ON COLUMN reading.adsorption_energies.material_class IS '0 intermetallic, 1 metalloid, 2 non-metal, 3 halide.';
COMMENT ON COLUMN reading.adsorption_energies.licence IS 'Licence of the record.';
COMMENT ON COLUMN reading.adsorption_energies.retrieved_at IS 'When it was fetched.';

CREATE VIEW reading.raw_files AS
    SELECT raw_file_id, source, url, request, sha256, size_bytes, licence, fetched_at, parse_status, parse_note, row_count
    FROM raw_files;
COMMENT ON VIEW reading.raw_files IS 'Every file that was fetched: one row for each content of an address.';
COMMENT ON COLUMN reading.raw_files.raw_file_id IS 'Its number.';
COMMENT ON COLUMN reading.raw_files.source IS 'The source.';
COMMENT ON COLUMN reading.raw_files.url IS 'Where it came from.';
COMMENT ON COLUMN reading.raw_files.request IS 'What was asked for.';
COMMENT ON COLUMN reading.raw_files.sha256 IS 'Hash of its bytes, by which they are kept.';
COMMENT ON COLUMN reading.raw_files.size_bytes IS 'How many bytes.';
COMMENT ON COLUMN reading.raw_files.licence IS 'Licence.';
COMMENT ON COLUMN reading.raw_files.fetched_at IS 'When it was fetched.';
COMMENT ON COLUMN reading.raw_files.parse_status IS 'pending, parsed or failed.';
COMMENT ON COLUMN reading.raw_files.parse_note IS 'Why it could not be parsed.';
COMMENT ON COLUMN reading.raw_files.row_count IS 'Records in it; null until they were counted.';

CREATE VIEW reading.quarantine AS
    SELECT quarantine_id, source, record, raw_sha256, reason,
        CASE WHEN source NOT IN (SELECT source FROM closed_sources) THEN payload END AS payload, seen_at
    FROM quarantine;
COMMENT ON VIEW reading.quarantine IS 'Records that were set aside instead of loaded, and why.';
COMMENT ON COLUMN reading.quarantine.quarantine_id IS 'Its number.';
COMMENT ON COLUMN reading.quarantine.source IS 'The source.';
COMMENT ON COLUMN reading.quarantine.record IS 'Which record of it.';
COMMENT ON COLUMN reading.quarantine.raw_sha256 IS 'Hash of the file that it was read from.';
COMMENT ON COLUMN reading.quarantine.reason IS 'What was wrong with it.';
COMMENT ON COLUMN reading.quarantine.payload IS 'What it said; null where that answers a validator.';
COMMENT ON COLUMN reading.quarantine.seen_at IS 'When it was last set aside.';

-- Campaigns -------------------------------------------------------------------------------------

CREATE VIEW reading.campaigns AS
    SELECT name AS campaign, coalesce(document ->> 'description', '') AS description, document ->> 'method' AS method,
        status, stop_reason, created_at, finished_at
    FROM campaigns;
COMMENT ON VIEW reading.campaigns IS 'Discovery goals that were started.';
COMMENT ON COLUMN reading.campaigns.campaign IS 'Its name.';
COMMENT ON COLUMN reading.campaigns.description IS 'What is looked for, in its own words.';
COMMENT ON COLUMN reading.campaigns.method IS 'Method of its labels; others are not mixed in.';
COMMENT ON COLUMN reading.campaigns.status IS 'active, paused or finished.';
COMMENT ON COLUMN reading.campaigns.stop_reason IS 'Why it finished.';
COMMENT ON COLUMN reading.campaigns.created_at IS 'When it was started.';
COMMENT ON COLUMN reading.campaigns.finished_at IS 'When it finished.';

CREATE VIEW reading.models AS
    SELECT m.model_name AS campaign, m.model_version AS version, m.model_name || '@' || m.model_version AS model_version,
        r.iteration, m.model_version = c.model_version AS is_champion, m.model_sha256, m.registered_at
    FROM registered_models m
    JOIN active_learning_runs r USING (partition_key)
    LEFT JOIN champions c USING (model_name);
COMMENT ON VIEW reading.models IS 'Registered versions of each campaign''s model.';
COMMENT ON COLUMN reading.models.campaign IS 'The campaign, which is the model''s name.';
COMMENT ON COLUMN reading.models.version IS 'Number of the version.';
COMMENT ON COLUMN reading.models.model_version IS 'Name and number, as commands and other views write them: campaign@3.';
COMMENT ON COLUMN reading.models.iteration IS 'The iteration that fitted it.';
COMMENT ON COLUMN reading.models.is_champion IS 'Whether it is the best version now; null where none was chosen.';
COMMENT ON COLUMN reading.models.model_sha256 IS 'Hash of its bytes.';
COMMENT ON COLUMN reading.models.registered_at IS 'When it was registered.';

CREATE VIEW reading.iterations AS
    SELECT r.campaign, r.iteration, r.partition_key, CAST(r.status AS text) AS status, r.label_count AS labels,
        m.model_name || '@' || m.model_version AS model_version, r.mlflow_run_id, r.opened_at, r.closed_at
    FROM active_learning_runs r
    LEFT JOIN registered_models m ON m.partition_key = r.partition_key AND m.model_sha256 = r.model_sha256;
COMMENT ON VIEW reading.iterations IS 'One row a turn of a campaign''s loop.';
COMMENT ON COLUMN reading.iterations.campaign IS 'The campaign.';
COMMENT ON COLUMN reading.iterations.iteration IS '0 for the first.';
COMMENT ON COLUMN reading.iterations.partition_key IS 'Its partition in Dagster.';
COMMENT ON COLUMN reading.iterations.status IS 'open, ranked, closed or abandoned.';
COMMENT ON COLUMN reading.iterations.labels IS 'Values that were frozen when it opened.';
COMMENT ON COLUMN reading.iterations.model_version IS 'The version that was fitted to them; null until it is registered.';
COMMENT ON COLUMN reading.iterations.mlflow_run_id IS 'Run of that training in MLflow.';
COMMENT ON COLUMN reading.iterations.opened_at IS 'When its labels were frozen.';
COMMENT ON COLUMN reading.iterations.closed_at IS 'When its batch was answered.';

-- Values ----------------------------------------------------------------------------------------

CREATE VIEW reading.labels AS
    SELECT r.campaign, r.iteration, l.material_id, m.reduced_formula AS formula, l.property, l.value, k.unit, l.method,
        l.origin
    FROM iteration_labels l
    JOIN active_learning_runs r USING (partition_key)
    JOIN materials m USING (material_id)
    LEFT JOIN known_properties k USING (property);
COMMENT ON VIEW reading.labels IS 'What each iteration learned from: one row an iteration, material and property.';
COMMENT ON COLUMN reading.labels.campaign IS 'The campaign.';
COMMENT ON COLUMN reading.labels.iteration IS 'The iteration that they were frozen for.';
COMMENT ON COLUMN reading.labels.material_id IS 'The material.';
COMMENT ON COLUMN reading.labels.formula IS 'Its reduced formula.';
COMMENT ON COLUMN reading.labels.property IS 'Name of the property.';
COMMENT ON COLUMN reading.labels.value IS 'The value, in unit.';
COMMENT ON COLUMN reading.labels.unit IS 'Unit of the value.';
COMMENT ON COLUMN reading.labels.method IS 'How it was computed or measured.';
COMMENT ON COLUMN reading.labels.origin IS 'computed: a source said so; validated: a validator answered.';

CREATE VIEW reading.validation_results AS
    SELECT r.campaign, r.iteration, v.material_id, m.reduced_formula AS formula, v.property, v.value, v.unit, v.method,
        v.outcome, v.note, v.validator, v.created_at
    FROM validation_results v
    JOIN active_learning_runs r USING (partition_key)
    JOIN materials m USING (material_id);
COMMENT ON VIEW reading.validation_results IS 'What validation answered: one row an iteration, material, property and method.';
COMMENT ON COLUMN reading.validation_results.campaign IS 'The campaign that asked.';
COMMENT ON COLUMN reading.validation_results.iteration IS 'The iteration whose batch it was in.';
COMMENT ON COLUMN reading.validation_results.material_id IS 'The material.';
COMMENT ON COLUMN reading.validation_results.formula IS 'Its reduced formula.';
COMMENT ON COLUMN reading.validation_results.property IS 'Name of the property.';
COMMENT ON COLUMN reading.validation_results.value IS 'The value, in unit; null where it failed.';
COMMENT ON COLUMN reading.validation_results.unit IS 'Unit of the value.';
COMMENT ON COLUMN reading.validation_results.method IS 'How it was computed or measured.';
COMMENT ON COLUMN reading.validation_results.outcome IS 'measured or failed.';
COMMENT ON COLUMN reading.validation_results.note IS 'What the validator says of it.';
COMMENT ON COLUMN reading.validation_results.validator IS 'Who answered.';
COMMENT ON COLUMN reading.validation_results.created_at IS 'When.';

-- What an iteration shows, one row a property; superseded versions are for reproducing old rankings only.
CREATE VIEW reading.prediction_history AS
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
    LEFT JOIN registered_models registered
           ON registered.partition_key = v.partition_key AND registered.model_sha256 = v.model_sha256
    WHERE r.status <> 'abandoned';
COMMENT ON VIEW reading.prediction_history IS 'What each iteration predicted: one row an iteration, material and property.';
COMMENT ON COLUMN reading.prediction_history.campaign IS 'The campaign.';
COMMENT ON COLUMN reading.prediction_history.iteration IS 'The iteration that predicted.';
COMMENT ON COLUMN reading.prediction_history.material_id IS 'The material.';
COMMENT ON COLUMN reading.prediction_history.formula IS 'Its reduced formula.';
COMMENT ON COLUMN reading.prediction_history.property IS 'Name of the property.';
COMMENT ON COLUMN reading.prediction_history.value IS 'The mean that was predicted, in unit.';
COMMENT ON COLUMN reading.prediction_history.uncertainty IS 'Standard deviation of the prediction, in unit.';
COMMENT ON COLUMN reading.prediction_history.unit IS 'Unit of value and uncertainty.';
COMMENT ON COLUMN reading.prediction_history.method IS 'Method that the value is a prediction of.';
COMMENT ON COLUMN reading.prediction_history.model_version IS 'The registered version that predicted; null until it is registered.';
COMMENT ON COLUMN reading.prediction_history.distance IS 'From the labelled materials; 1 is an ordinary extrapolation. Null where it was not measured.';
COMMENT ON COLUMN reading.prediction_history.out_of_distribution IS 'Further away than the model was tried at: expect a larger error.';
COMMENT ON COLUMN reading.prediction_history.predicted_at IS 'When.';

CREATE VIEW reading.predictions AS
    SELECT shown.*
    FROM (
        SELECT DISTINCT ON (campaign) campaign, iteration
        FROM active_learning_runs
        WHERE prediction_version IS NOT NULL AND status <> 'abandoned'
        ORDER BY campaign, iteration DESC
    ) newest
    JOIN reading.prediction_history shown ON shown.campaign = newest.campaign AND shown.iteration = newest.iteration;
COMMENT ON VIEW reading.predictions IS 'What each campaign predicts now, by its newest iteration: one row a campaign, material and property.';
COMMENT ON COLUMN reading.predictions.campaign IS 'The campaign.';
COMMENT ON COLUMN reading.predictions.iteration IS 'The iteration that predicted.';
COMMENT ON COLUMN reading.predictions.material_id IS 'The material.';
COMMENT ON COLUMN reading.predictions.formula IS 'Its reduced formula.';
COMMENT ON COLUMN reading.predictions.property IS 'Name of the property.';
COMMENT ON COLUMN reading.predictions.value IS 'The mean that was predicted, in unit.';
COMMENT ON COLUMN reading.predictions.uncertainty IS 'Standard deviation of the prediction, in unit.';
COMMENT ON COLUMN reading.predictions.unit IS 'Unit of value and uncertainty.';
COMMENT ON COLUMN reading.predictions.method IS 'Method that the value is a prediction of.';
COMMENT ON COLUMN reading.predictions.model_version IS 'The registered version that predicted; null until it is registered.';
COMMENT ON COLUMN reading.predictions.distance IS 'From the labelled materials; 1 is an ordinary extrapolation. Null where it was not measured.';
COMMENT ON COLUMN reading.predictions.out_of_distribution IS 'Further away than the model was tried at: expect a larger error.';
COMMENT ON COLUMN reading.predictions.predicted_at IS 'When.';

-- Candidates ------------------------------------------------------------------------------------

CREATE VIEW reading.candidates AS
    SELECT c.candidate_id, r.campaign, r.iteration, c.rank, c.material_id, m.reduced_formula AS formula,
        CAST(c.status AS text) AS status, CAST(c.rejection_kind AS text) AS rejection_kind, c.feasibility,
        c.acquisition, g.strategy, registered.model_name || '@' || registered.model_version AS model_version,
        c.updated_at
    FROM candidates c
    JOIN active_learning_runs r USING (partition_key)
    JOIN materials m USING (material_id)
    JOIN rankings g USING (partition_key)
    JOIN prediction_versions v ON v.version = g.prediction_version
    LEFT JOIN registered_models registered
           ON registered.partition_key = v.partition_key AND registered.model_sha256 = v.model_sha256;
COMMENT ON VIEW reading.candidates IS 'What each iteration suggests, and how it stands: one row an iteration and material.';
COMMENT ON COLUMN reading.candidates.candidate_id IS 'Its number in the API and the review app.';
COMMENT ON COLUMN reading.candidates.campaign IS 'The campaign.';
COMMENT ON COLUMN reading.candidates.iteration IS 'The iteration that ranked it.';
COMMENT ON COLUMN reading.candidates.rank IS '1 for what is most worth validating.';
COMMENT ON COLUMN reading.candidates.material_id IS 'The material.';
COMMENT ON COLUMN reading.candidates.formula IS 'Its reduced formula.';
COMMENT ON COLUMN reading.candidates.status IS 'ranked, flagged, in_validation, validated or rejected.';
COMMENT ON COLUMN reading.candidates.rejection_kind IS 'poor, infeasible, failed or withdrawn; null where it was not rejected.';
COMMENT ON COLUMN reading.candidates.feasibility IS 'Chance that every criterion holds; null for a campaign with an objective alone.';
COMMENT ON COLUMN reading.candidates.acquisition IS 'The score that it was ranked by.';
COMMENT ON COLUMN reading.candidates.strategy IS 'How it was scored.';
COMMENT ON COLUMN reading.candidates.model_version IS 'The registered version whose predictions were ranked.';
COMMENT ON COLUMN reading.candidates.updated_at IS 'When its rank or standing last changed.';

CREATE VIEW reading.candidate_events AS
    SELECT e.event_id, e.candidate_id, r.campaign, r.iteration, c.material_id, CAST(e.from_status AS text) AS from_status,
        CAST(e.to_status AS text) AS to_status, CAST(e.rejection_kind AS text) AS rejection_kind, e.actor, e.reason, e.at
    FROM candidate_events e
    JOIN candidates c USING (candidate_id)
    JOIN active_learning_runs r USING (partition_key);
COMMENT ON VIEW reading.candidate_events IS 'Every decision about a candidate: who, when and why.';
COMMENT ON COLUMN reading.candidate_events.event_id IS 'Its number; later ones are larger.';
COMMENT ON COLUMN reading.candidate_events.candidate_id IS 'The candidate.';
COMMENT ON COLUMN reading.candidate_events.campaign IS 'Its campaign.';
COMMENT ON COLUMN reading.candidate_events.iteration IS 'Its iteration.';
COMMENT ON COLUMN reading.candidate_events.material_id IS 'Its material.';
COMMENT ON COLUMN reading.candidate_events.from_status IS 'How it stood; null when it was ranked first.';
COMMENT ON COLUMN reading.candidate_events.to_status IS 'How it stands since.';
COMMENT ON COLUMN reading.candidate_events.rejection_kind IS 'Of a rejection: poor, infeasible, failed or withdrawn.';
COMMENT ON COLUMN reading.candidate_events.actor IS 'Who decided.';
COMMENT ON COLUMN reading.candidate_events.reason IS 'Why.';
COMMENT ON COLUMN reading.candidate_events.at IS 'When.';

GRANT USAGE ON SCHEMA reading TO catalyst_analyst, catalyst_app, catalyst_pipeline;
GRANT SELECT ON ALL TABLES IN SCHEMA reading TO catalyst_analyst, catalyst_app, catalyst_pipeline;
