-- Where COPY puts a shard's materials before one statement merges them.
CREATE TEMPORARY TABLE staged_materials (
    material_id     text PRIMARY KEY,
    source_id       text NOT NULL,
    licence         text NOT NULL,
    reduced_formula text NOT NULL,
    chemical_system text NOT NULL,
    elements        text[] NOT NULL,
    n_sites         integer,
    structure_json  jsonb,
    structure_hash  text NOT NULL,
    properties      jsonb NOT NULL
) ON COMMIT DROP;
