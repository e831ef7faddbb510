-- Adsorption energies, and the slabs and sites they were computed on.

-- What is known of a system, by its name in the source; the bulk is the source's pointer to the Materials Project.
CREATE TABLE adsorption_systems (
    source          text NOT NULL,
    system_id       text NOT NULL CHECK (system_id <> ''),
    adsorbate       text NOT NULL CHECK (adsorbate <> ''),
    bulk_mpid       text,
    bulk_formula    text,
    miller_index    integer[] CHECK (cardinality(miller_index) = 3),
    shift           double precision CHECK (shift > '-Infinity' AND shift < 'Infinity'),
    top             boolean,
    adsorption_site jsonb CHECK (jsonb_typeof(adsorption_site) = 'array'),
    anomaly         smallint CHECK (anomaly BETWEEN 0 AND 4),
    material_class  smallint CHECK (material_class BETWEEN 0 AND 3),
    raw_sha256      text NOT NULL,
    licence         text NOT NULL,
    retrieved_at    timestamptz NOT NULL,
    PRIMARY KEY (source, system_id)
);

-- One energy a state of a system. A relaxed state has frame -1: which number it had in its trajectory says nothing.
-- Bulk, facet, site and anomaly are those of adsorption_systems, filled in whichever of the two came first: readers
-- need no join, and the energies of a bulk or facet can be found by index.
CREATE TABLE adsorption_energies (
    source              text NOT NULL,
    system_id           text NOT NULL CHECK (system_id <> ''),
    frame               integer NOT NULL CHECK (frame >= -1),
    relaxed             boolean GENERATED ALWAYS AS (frame = -1) STORED,
    adsorbate           text NOT NULL CHECK (adsorbate <> ''),
    energy_ev           double precision NOT NULL CHECK (energy_ev BETWEEN -20 AND 20),
    reference_energy_ev double precision CHECK (reference_energy_ev > '-Infinity' AND reference_energy_ev < 'Infinity'),
    method              text NOT NULL CHECK (method = 'RPBE'),
    bulk_mpid           text,
    bulk_formula        text,
    miller_index        integer[] CHECK (cardinality(miller_index) = 3),
    shift               double precision CHECK (shift > '-Infinity' AND shift < 'Infinity'),
    top                 boolean,
    adsorption_site     jsonb CHECK (jsonb_typeof(adsorption_site) = 'array'),
    anomaly             smallint CHECK (anomaly BETWEEN 0 AND 4),
    material_class      smallint CHECK (material_class BETWEEN 0 AND 3),
    raw_sha256          text NOT NULL,
    licence             text NOT NULL,
    retrieved_at        timestamptz NOT NULL,
    PRIMARY KEY (source, system_id, frame)
);
CREATE INDEX adsorption_energies_bulk ON adsorption_energies (bulk_mpid, adsorbate, miller_index)
    WHERE frame = -1 AND anomaly = 0;

GRANT SELECT, INSERT, UPDATE ON adsorption_systems, adsorption_energies TO catalyst_pipeline;
GRANT SELECT ON adsorption_systems, adsorption_energies TO catalyst_validator, catalyst_app;
