-- A table that takes the rows of materials and nothing but them.
CREATE TABLE copied_materials (
    material_id     text NOT NULL,
    reduced_formula text NOT NULL,
    chemical_system text NOT NULL,
    elements        text[] NOT NULL,
    n_sites         integer,
    structure_json  jsonb,
    structure_hash  text NOT NULL,
    properties      jsonb NOT NULL
);
