-- Adsorption energies that a potential computed here, beside those that were published.

ALTER TABLE adsorption_energies
    DROP CONSTRAINT adsorption_energies_method_check,
    DROP CONSTRAINT adsorption_energies_anomaly_check,
    ADD CONSTRAINT adsorption_energies_method_check
        CHECK (method <> '' AND (source <> 'oc20' OR method = 'RPBE')),
    ADD CONSTRAINT adsorption_energies_anomaly_check
        CHECK (anomaly BETWEEN 0 AND CASE source WHEN 'potential' THEN 6 ELSE 4 END),
    ADD COLUMN by_default boolean,
    ADD COLUMN material_id text REFERENCES materials ON DELETE CASCADE,
    ADD COLUMN structure_hash text,
    ADD COLUMN termination smallint CHECK (termination >= 0),
    ADD COLUMN site text,
    ADD COLUMN ended_at text,
    ADD COLUMN moved boolean GENERATED ALWAYS AS (ended_at <> site) STORED,
    ADD COLUMN reference_set text,
    ADD COLUMN steps integer CHECK (steps >= 0),
    ADD COLUMN largest_force double precision CHECK (largest_force >= 0 AND largest_force < 'Infinity'),
    ADD COLUMN anomaly_kind text GENERATED ALWAYS AS (
        CASE anomaly
            WHEN 1 THEN 'dissociated' WHEN 2 THEN 'desorbed' WHEN 3 THEN 'surface_changed' WHEN 4 THEN 'misplaced'
            WHEN 5 THEN 'not_converged' WHEN 6 THEN 'intercalated'
        END
    ) STORED,
    ADD CONSTRAINT adsorption_energies_computed CHECK (
        source <> 'potential'
        OR num_nulls(by_default, material_id, structure_hash, miller_index, termination, site, ended_at, reference_set, anomaly, steps,
                     largest_force) = 0
    );
CREATE INDEX adsorption_energies_material ON adsorption_energies (material_id, adsorbate) WHERE material_id IS NOT NULL;

COMMENT ON TABLE adsorption_energies IS 'An adsorption energy on a slab, as published, or as a potential computed it here.';
COMMENT ON COLUMN adsorption_energies.source IS 'Who computed it; `potential` for what was computed here.';
COMMENT ON COLUMN adsorption_energies.system_id IS 'Name of slab, adsorbate and site in the source.';
COMMENT ON COLUMN adsorption_energies.frame IS 'Step of the relaxation; -1 for the relaxed state.';
COMMENT ON COLUMN adsorption_energies.relaxed IS 'Whether it is the relaxed state.';
COMMENT ON COLUMN adsorption_energies.adsorbate IS 'What is adsorbed.';
COMMENT ON COLUMN adsorption_energies.energy_ev IS 'Adsorption energy in eV.';
COMMENT ON COLUMN adsorption_energies.reference_energy_ev IS 'Energy of what it was measured against, in eV.';
COMMENT ON COLUMN adsorption_energies.method IS 'Functional or potential.';
COMMENT ON COLUMN adsorption_energies.bulk_mpid IS 'Bulk crystal in the Materials Project, as the source says.';
COMMENT ON COLUMN adsorption_energies.bulk_formula IS 'Formula of the bulk.';
COMMENT ON COLUMN adsorption_energies.miller_index IS 'Facet.';
COMMENT ON COLUMN adsorption_energies.shift IS 'Where along the normal the bulk was cut.';
COMMENT ON COLUMN adsorption_energies.top IS 'Whether the surface is the upper side of the cut.';
COMMENT ON COLUMN adsorption_energies.adsorption_site IS 'Positions of the binding atoms in Å.';
COMMENT ON COLUMN adsorption_energies.anomaly IS 'Anomaly by its number; 0 for none.';
COMMENT ON COLUMN adsorption_energies.material_class IS '0 intermetallic, 1 metalloid, 2 non-metal, 3 halide.';
COMMENT ON COLUMN adsorption_energies.raw_sha256 IS 'Hash of the file, or of all settings that it was computed with.';
COMMENT ON COLUMN adsorption_energies.licence IS 'Licence of the record, or of the potential.';
COMMENT ON COLUMN adsorption_energies.retrieved_at IS 'When it was fetched or computed.';
COMMENT ON COLUMN adsorption_energies.by_default IS
    'Whether it was computed by the settings taken where nobody says others: only such are labels.';
COMMENT ON COLUMN adsorption_energies.material_id IS 'Bulk material that it was computed of here.';
COMMENT ON COLUMN adsorption_energies.structure_hash IS 'Hash of the structure that this material had.';
COMMENT ON COLUMN adsorption_energies.termination IS 'Number of the termination of the facet.';
COMMENT ON COLUMN adsorption_energies.site IS 'Site where the adsorbate was placed.';
COMMENT ON COLUMN adsorption_energies.ended_at IS 'Site where it came to rest.';
COMMENT ON COLUMN adsorption_energies.moved IS 'Whether it came to rest at another site.';
COMMENT ON COLUMN adsorption_energies.reference_set IS 'Gas references: name of the set, and the equation.';
COMMENT ON COLUMN adsorption_energies.steps IS 'Steps of the relaxation.';
COMMENT ON COLUMN adsorption_energies.largest_force IS 'Largest force that was left, in eV/Å.';
COMMENT ON COLUMN adsorption_energies.anomaly_kind IS 'What became of the state so that its energy is no label; empty for a sound one.';

-- What came of the sites of one material, whatever it was: what is not here waits to be computed.
CREATE TABLE adsorption_outcomes (
    method          text NOT NULL CHECK (method <> ''),
    material_id     text NOT NULL REFERENCES materials ON DELETE CASCADE,
    adsorbate       text NOT NULL CHECK (adsorbate <> ''),
    structure_hash  text NOT NULL,
    settings_sha256 text NOT NULL,
    by_default      boolean NOT NULL,
    states          integer NOT NULL CHECK (states >= 0),
    anomalies       integer NOT NULL CHECK (anomalies BETWEEN 0 AND states),
    refused         integer NOT NULL CHECK (refused >= 0),
    reason          text NOT NULL,
    computed_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (method, material_id, adsorbate, settings_sha256),
    CHECK ((states = anomalies) = (reason <> ''))
);
CREATE INDEX adsorption_outcomes_material ON adsorption_outcomes (material_id);
COMMENT ON TABLE adsorption_outcomes IS 'What came of the sites of an adsorbate on one material by one potential.';
COMMENT ON COLUMN adsorption_outcomes.method IS 'Potential.';
COMMENT ON COLUMN adsorption_outcomes.material_id IS 'Bulk material.';
COMMENT ON COLUMN adsorption_outcomes.adsorbate IS 'What is adsorbed.';
COMMENT ON COLUMN adsorption_outcomes.structure_hash IS 'Hash of the structure that the material had.';
COMMENT ON COLUMN adsorption_outcomes.settings_sha256 IS 'Hash of all settings that it was computed with.';
COMMENT ON COLUMN adsorption_outcomes.by_default IS 'Whether these are the settings taken where nobody says others.';
COMMENT ON COLUMN adsorption_outcomes.states IS 'Sites that have an energy.';
COMMENT ON COLUMN adsorption_outcomes.anomalies IS 'How many of these are no labels.';
COMMENT ON COLUMN adsorption_outcomes.refused IS 'Slabs and sites that have none; `quarantine` says why.';
COMMENT ON COLUMN adsorption_outcomes.reason IS 'Why no site is sound; empty where one is.';
COMMENT ON COLUMN adsorption_outcomes.computed_at IS 'When.';

GRANT SELECT, INSERT, UPDATE, DELETE ON adsorption_outcomes TO catalyst_pipeline;
GRANT DELETE ON adsorption_energies TO catalyst_pipeline;
GRANT SELECT ON adsorption_outcomes TO catalyst_validator, catalyst_app;

-- A material is concerned, too, when what a potential computed of its surfaces changes; so is the one that it is.
CREATE FUNCTION record_computed_surfaces() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('catalyst materials', 0));
    IF TG_OP <> 'DELETE' THEN
        PERFORM add_changed_surfaces(array_agg(DISTINCT material_id)) FROM rows_after WHERE material_id IS NOT NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM add_changed_surfaces(array_agg(DISTINCT material_id)) FROM rows_before WHERE material_id IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION add_changed_surfaces(material_ids text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO material_changes (material_id, reduced_formula, chemical_system, record, energies)
    SELECT DISTINCT concerned.material_id, concerned.reduced_formula, concerned.chemical_system, true, false
    FROM materials own
    JOIN materials concerned ON concerned.material_id IN (own.material_id, own.same_as)
    WHERE own.material_id = ANY (material_ids)
$$;

CREATE TRIGGER adsorption_energies_computed AFTER INSERT ON adsorption_energies REFERENCING NEW TABLE AS rows_after
    FOR EACH STATEMENT EXECUTE FUNCTION record_computed_surfaces();
CREATE TRIGGER adsorption_energies_recomputed AFTER UPDATE ON adsorption_energies
    REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_after
    FOR EACH STATEMENT EXECUTE FUNCTION record_computed_surfaces();
CREATE TRIGGER adsorption_energies_uncomputed AFTER DELETE ON adsorption_energies REFERENCING OLD TABLE AS rows_before
    FOR EACH STATEMENT EXECUTE FUNCTION record_computed_surfaces();
REVOKE ALL ON FUNCTION record_computed_surfaces, add_changed_surfaces FROM PUBLIC;

CREATE OR REPLACE VIEW reading.adsorption_energies AS
    SELECT source, system_id, frame, relaxed, adsorbate, energy_ev, method, bulk_mpid, bulk_formula, miller_index,
        shift, top, adsorption_site, anomaly, material_class, licence, retrieved_at, material_id, termination, site, ended_at,
        moved, reference_set, steps, largest_force, anomaly_kind, by_default
    FROM adsorption_energies;
COMMENT ON COLUMN reading.adsorption_energies.method IS 'Functional or potential; values of two methods are not to be mixed.';
COMMENT ON COLUMN reading.adsorption_energies.system_id IS 'Name of slab, adsorbate and site in the source.';
COMMENT ON COLUMN reading.adsorption_energies.anomaly IS 'Anomaly by its number; 0 for none.';
COMMENT ON COLUMN reading.adsorption_energies.retrieved_at IS 'When it was fetched or computed.';
COMMENT ON COLUMN reading.adsorption_energies.material_id IS 'Bulk material that it was computed of here.';
COMMENT ON COLUMN reading.adsorption_energies.termination IS 'Number of the termination of the facet.';
COMMENT ON COLUMN reading.adsorption_energies.site IS 'Site where the adsorbate was placed.';
COMMENT ON COLUMN reading.adsorption_energies.ended_at IS 'Site where it came to rest.';
COMMENT ON COLUMN reading.adsorption_energies.moved IS 'Whether it came to rest at another site.';
COMMENT ON COLUMN reading.adsorption_energies.reference_set IS 'Gas references: name of the set, and the equation.';
COMMENT ON COLUMN reading.adsorption_energies.steps IS 'Steps of the relaxation.';
COMMENT ON COLUMN reading.adsorption_energies.largest_force IS 'Largest force that was left, in eV/Å.';
COMMENT ON COLUMN reading.adsorption_energies.anomaly_kind IS
    'What became of the state so that its energy is no label; empty for a sound one.';
COMMENT ON COLUMN reading.adsorption_energies.by_default IS
    'Whether it was computed here by the settings taken where nobody says others: only such are labels.';
