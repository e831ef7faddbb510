-- Materials of which only the composition is known, such as members of a composition library: no cell, and no sites in it.
ALTER TABLE materials
    ALTER COLUMN structure_json DROP NOT NULL,
    ALTER COLUMN n_sites DROP NOT NULL,
    ADD CONSTRAINT materials_structure_has_sites CHECK ((structure_json IS NULL) = (n_sites IS NULL));
COMMENT ON COLUMN materials.n_sites IS 'Sites in the cell; empty where only the composition is known.';
COMMENT ON COLUMN materials.structure_json IS 'Cell in Å, species and fractional coordinates; empty where only the composition is known.';
COMMENT ON COLUMN materials.structure_hash IS
    'Hash of the structure, the same for the same crystal as written; where only the composition is known, of its elements in the smallest whole numbers.';
COMMENT ON COLUMN reading.materials.n_sites IS 'Atoms in the cell; empty where only the composition is known.';
COMMENT ON COLUMN reading.materials.structure IS 'The crystal as pymatgen writes it; empty where only the composition is known.';

-- What has no structure is described by its formula.
CREATE OR REPLACE VIEW described_structures AS
    SELECT structure_hash, structure_json, n_sites, material_id, NOT deprecated AS in_use, reduced_formula FROM materials
    UNION ALL
    SELECT r.relaxed_hash, r.structure_json, r.n_sites, m.material_id, NOT m.deprecated, m.reduced_formula
    FROM current_relaxations r
    JOIN materials m ON m.structure_hash = r.structure_hash
    WHERE r.status = 'converged';
