-- One crystal known to several sources is one material: each source's record keeps a row of its own, and all but
-- one of them say which material they are.
ALTER TABLE materials ADD COLUMN same_as text REFERENCES materials CHECK (same_as <> material_id);
CREATE INDEX materials_same_as ON materials (same_as) WHERE same_as IS NOT NULL;

-- What was compared last among the materials of one formula: the same rows are not compared again. Empty where a
-- record changed its crystal, so that those it leaves behind are looked at too.
CREATE TABLE compared_formulas (
    reduced_formula text PRIMARY KEY,
    sha256          text NOT NULL
);

-- What decides whether a record must be compared again: all but the values that were derived from several records.
CREATE FUNCTION record_state(record materials) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT concat_ws(' ', record.material_id, record.structure_hash, record.deprecated, record.same_as, (
        SELECT md5(string_agg(held.key || CAST(entry AS text), ',' ORDER BY held.key COLLATE "C", position))
        FROM jsonb_each(record.properties) held,
             jsonb_array_elements(held.value) WITH ORDINALITY AS entries (entry, position)
        WHERE NOT entry ? 'derived'
    ))
$$;

-- Sources of a validator's answers: pools of their own, which nobody else's values may tell of.
CREATE VIEW closed_sources AS
    SELECT DISTINCT source
    FROM (
        SELECT DISTINCT ON (source, request ->> 'slot') source, CAST(request ->> 'answers' AS boolean) AS is_closed
        FROM raw_files
        ORDER BY source, request ->> 'slot', fetched_at DESC, raw_file_id DESC
    ) newest
    WHERE is_closed;

-- What the hull of one chemical system was last computed from, by source and method.
CREATE TABLE computed_hulls (
    source          text NOT NULL,
    method          text NOT NULL,
    chemical_system text NOT NULL,
    sha256          text NOT NULL,
    PRIMARY KEY (source, method, chemical_system)
);

-- How many rows a file has, counted before any of them was parsed; null until then.
ALTER TABLE raw_files ADD COLUMN row_count bigint CHECK (row_count >= 0);

CREATE INDEX material_sources_raw_file ON material_sources (source, raw_sha256);

GRANT SELECT ON closed_sources TO catalyst_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE ON compared_formulas, computed_hulls TO catalyst_pipeline;
