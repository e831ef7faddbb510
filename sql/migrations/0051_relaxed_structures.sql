-- What a potential's values depend on now, its weights and how it relaxes: rows of another recipe are not its any more.
CREATE TABLE relaxation_recipes (
    method      text PRIMARY KEY,
    sha256      text NOT NULL,
    document    jsonb NOT NULL,
    chosen_at   timestamptz NOT NULL DEFAULT now(),
    energies_at timestamptz
);
COMMENT ON TABLE relaxation_recipes IS 'What a potential relaxes with now.';
COMMENT ON COLUMN relaxation_recipes.method IS 'Potential.';
COMMENT ON COLUMN relaxation_recipes.sha256 IS 'Hash of the document.';
COMMENT ON COLUMN relaxation_recipes.document IS 'Weights, packages, corrections and how a structure is relaxed.';
COMMENT ON COLUMN relaxation_recipes.chosen_at IS 'When it was first planned with.';
COMMENT ON COLUMN relaxation_recipes.energies_at IS 'When formation energies were written last.';

-- Structures as a potential relaxes them. What one could not relax is in quarantine with the reason.
CREATE TABLE relaxed_structures (
    method             text NOT NULL,
    structure_hash     text NOT NULL,
    recipe_sha256      text NOT NULL,
    relaxed_hash       text NOT NULL,
    structure_json     jsonb NOT NULL,
    energy_ev          double precision NOT NULL CHECK (abs(energy_ev) < 'Infinity'),
    correction_ev      double precision NOT NULL CHECK (abs(correction_ev) < 'Infinity'),
    n_sites            integer NOT NULL CHECK (n_sites > 0),
    status             text NOT NULL CHECK (status IN ('converged', 'not_converged')),
    steps              integer NOT NULL CHECK (steps >= 0),
    largest_force      double precision NOT NULL,
    space_group_held   integer CHECK (space_group_held BETWEEN 1 AND 230),
    space_group_before integer CHECK (space_group_before BETWEEN 1 AND 230),
    space_group_after  integer CHECK (space_group_after BETWEEN 1 AND 230),
    volume_change      double precision NOT NULL CHECK (volume_change > -1),
    formation_energy   double precision,
    formation_problem  text,
    relaxed_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (method, structure_hash),
    CHECK (formation_energy IS NULL OR formation_problem IS NULL)
);
CREATE INDEX relaxed_structures_relaxed_hash ON relaxed_structures (relaxed_hash);
COMMENT ON COLUMN relaxed_structures.method IS 'Potential that relaxed it.';
COMMENT ON COLUMN relaxed_structures.structure_hash IS 'Hash of the structure as it was ingested.';
COMMENT ON COLUMN relaxed_structures.recipe_sha256 IS 'Hash of the recipe that it was relaxed with.';
COMMENT ON COLUMN relaxed_structures.relaxed_hash IS 'Hash of the relaxed structure.';
COMMENT ON COLUMN relaxed_structures.structure_json IS 'The relaxed structure, as pymatgen writes it.';
COMMENT ON COLUMN relaxed_structures.energy_ev IS 'Total energy of the relaxed cell in eV, as the potential says it.';
COMMENT ON COLUMN relaxed_structures.correction_ev IS 'What is added to it for a formation energy, in eV.';
COMMENT ON COLUMN relaxed_structures.n_sites IS 'Atoms in the cell.';
COMMENT ON COLUMN relaxed_structures.status IS 'Whether the largest force was reached within the steps allowed.';
COMMENT ON COLUMN relaxed_structures.steps IS 'Steps taken.';
COMMENT ON COLUMN relaxed_structures.largest_force IS 'Largest generalized force at the end in eV/Å.';
COMMENT ON COLUMN relaxed_structures.space_group_held IS 'Number of the space group that it was held to; empty where it was held to none.';
COMMENT ON COLUMN relaxed_structures.space_group_before IS 'Number of the space group as ingested.';
COMMENT ON COLUMN relaxed_structures.space_group_after IS 'Number of the space group at the end.';
COMMENT ON COLUMN relaxed_structures.volume_change IS 'Relative change of the volume.';
COMMENT ON COLUMN relaxed_structures.formation_energy IS 'In eV/atom, against the elements by the same potential.';
COMMENT ON COLUMN relaxed_structures.formation_problem IS 'Why there is no formation energy.';
COMMENT ON COLUMN relaxed_structures.relaxed_at IS 'When it was relaxed.';

-- What an element comes to by a potential: what formation energies by it are measured from.
CREATE TABLE element_references (
    method          text NOT NULL,
    element         text NOT NULL,
    recipe_sha256   text NOT NULL,
    energy_per_atom double precision CHECK (abs(energy_per_atom) < 'Infinity'),
    state           text,
    problem         text,
    PRIMARY KEY (method, element),
    CHECK ((energy_per_atom IS NULL) = (problem IS NOT NULL)),
    CHECK ((energy_per_atom IS NULL) = (state IS NULL))
);
COMMENT ON COLUMN element_references.method IS 'Potential that relaxed it.';
COMMENT ON COLUMN element_references.recipe_sha256 IS 'Hash of the recipe that it was relaxed with.';
COMMENT ON COLUMN element_references.energy_per_atom IS 'Lowest energy of a known state of the element, in eV/atom.';
COMMENT ON COLUMN element_references.state IS 'Which state that is.';
COMMENT ON COLUMN element_references.problem IS 'Why there is none.';

-- Those that the recipe of now made.
CREATE VIEW current_relaxations AS
    SELECT r.*
    FROM relaxed_structures r
    JOIN relaxation_recipes c ON c.method = r.method AND c.sha256 = r.recipe_sha256;

GRANT SELECT, INSERT, UPDATE, DELETE ON relaxed_structures, element_references, relaxation_recipes TO catalyst_pipeline;
GRANT SELECT ON current_relaxations TO catalyst_pipeline, catalyst_validator, catalyst_app;
GRANT SELECT ON relaxed_structures, element_references, relaxation_recipes TO catalyst_validator, catalyst_app;
