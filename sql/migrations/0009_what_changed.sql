-- Loading costs what is new: each stage that derives something from materials reads what changed since it last looked.

-- What the record's own source says of it, as one hash, or that it answers a validator; what others say of the same
-- crystal is not in it.
ALTER TABLE materials ADD COLUMN own_md5 text NOT NULL DEFAULT '';
UPDATE materials known
SET own_md5 = CASE
    WHEN split_part(known.material_id, ':', 1) IN (SELECT source FROM closed_sources) THEN 'answers'
    ELSE md5((
        SELECT CAST(coalesce(jsonb_object_agg(name, entries), '{}') AS text)
        FROM (
            SELECT held.key AS name, jsonb_agg(entry ORDER BY position) AS entries
            FROM jsonb_each(known.properties) held,
                 jsonb_array_elements(held.value) WITH ORDINALITY AS listed (entry, position)
            WHERE entry ->> 'source' = split_part(known.material_id, ':', 1) AND NOT entry ? 'derived'
            GROUP BY held.key
        ) by_name
    ))
END;
CREATE INDEX materials_structure_hash ON materials (structure_hash);
CREATE INDEX computed_hulls_system ON computed_hulls (chemical_system);

-- One row for each time that a material was written, with the formula and system that it had before, too, if they
-- were others. Rows that every reader has read are removed.
CREATE TABLE material_changes (
    change_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    material_id     text NOT NULL,
    reduced_formula text NOT NULL,
    chemical_system text NOT NULL,
    -- what a source says of it or of its adsorption energies, or which material it is; false where only a value was derived
    record          boolean NOT NULL,
    -- whether a hull may be another now
    energies        boolean NOT NULL
);

-- How far each reader has read; `context` is what else decided what it found.
CREATE TABLE change_readers (
    reader    text PRIMARY KEY,
    change_id bigint NOT NULL DEFAULT 0,
    context   text NOT NULL DEFAULT ''
);
INSERT INTO change_readers (reader) VALUES
    ('identity'), ('adsorption_labels'), ('hulls'), ('checked_properties'), ('checked_hashes');

-- What the materials of a source come to. The digests are sums of a hash of each row, so that neither the order of
-- rows nor the way they came there matters: own is what the source says, identity which material each record is.
CREATE TABLE material_totals (
    source    text PRIMARY KEY,
    records   bigint NOT NULL,
    materials bigint NOT NULL,
    own       numeric NOT NULL,
    identity  numeric NOT NULL
);

CREATE FUNCTION hash_number(content text) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT CAST(CAST(CAST('x' || left(md5(content), 16) AS bit(64)) AS bigint) AS numeric)
$$;

-- What of a material decides hulls; null where it gives them nothing.
CREATE FUNCTION hull_energies(material materials) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN NOT material.deprecated AND material.properties ? 'formation_energy_per_atom' THEN
        jsonb_build_array(
            material.reduced_formula, material.chemical_system, material.properties -> 'formation_energy_per_atom',
            jsonb_path_query_array(material.properties, '$.energy_above_hull[*] ? (!exists(@.derived))')
        )
    END
$$;

CREATE FUNCTION totals_of(material materials) RETURNS material_totals LANGUAGE sql IMMUTABLE AS $$
    SELECT
        split_part(material.material_id, ':', 1),
        CAST(NOT material.deprecated OR material.same_as IS NOT NULL AS integer),
        CAST(NOT material.deprecated AS integer),
        hash_number(concat_ws(
            ' ', material.material_id, material.structure_hash, material.own_md5,
            material.deprecated AND material.same_as IS NULL
        )),
        CASE WHEN material.same_as IS NULL THEN 0
             ELSE hash_number(concat_ws(' ', material.material_id, material.same_as))
        END
$$;

-- Changes are numbered while the lock is shared that whoever reads how far they go holds alone: none comes late.
CREATE FUNCTION record_material_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('catalyst materials', 0));
    IF TG_OP = 'INSERT' THEN
        INSERT INTO material_changes (material_id, reduced_formula, chemical_system, record, energies)
        SELECT material_id, reduced_formula, chemical_system, true, hull_energies(after) IS NOT NULL
        FROM rows_after after;
        PERFORM add_to_totals(array_agg(totals_of(after)), 1) FROM rows_after after;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO material_changes (material_id, reduced_formula, chemical_system, record, energies)
        SELECT material_id, reduced_formula, chemical_system, true, hull_energies(before) IS NOT NULL
        FROM rows_before before;
        PERFORM add_to_totals(array_agg(totals_of(before)), -1) FROM rows_before before;
    ELSE
        INSERT INTO material_changes (material_id, reduced_formula, chemical_system, record, energies)
        SELECT
            concerned.material_id, concerned.reduced_formula, concerned.chemical_system,
            bool_or((before.reduced_formula, before.structure_hash, before.own_md5, before.deprecated, before.same_as)
                    IS DISTINCT FROM
                    (after.reduced_formula, after.structure_hash, after.own_md5, after.deprecated, after.same_as)),
            bool_or(hull_energies(before) IS DISTINCT FROM hull_energies(after))
        FROM rows_before before
        JOIN rows_after after USING (material_id)
        CROSS JOIN LATERAL (VALUES
            (after.material_id, after.reduced_formula, after.chemical_system),
            (before.material_id, before.reduced_formula, before.chemical_system),
            -- what is known of a record's crystal stands with the material that it is
            (after.same_as, after.reduced_formula, after.chemical_system),
            (before.same_as, before.reduced_formula, before.chemical_system)
        ) AS concerned (material_id, reduced_formula, chemical_system)
        WHERE concerned.material_id IS NOT NULL
        GROUP BY concerned.material_id, concerned.reduced_formula, concerned.chemical_system;
        PERFORM add_to_totals(array_agg(totals_of(before)), -1) FROM rows_before before;
        PERFORM add_to_totals(array_agg(totals_of(after)), 1) FROM rows_after after;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION add_to_totals(counted material_totals[], sign integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO material_totals AS known (source, records, materials, own, identity)
    SELECT source, sign * sum(records), sign * sum(materials), sign * sum(own), sign * sum(identity)
    FROM unnest(counted)
    GROUP BY source
    ORDER BY source
    ON CONFLICT (source) DO UPDATE
    SET records = known.records + excluded.records,
        materials = known.materials + excluded.materials,
        own = known.own + excluded.own,
        identity = known.identity + excluded.identity
$$;

CREATE TRIGGER materials_inserted AFTER INSERT ON materials REFERENCING NEW TABLE AS rows_after
    FOR EACH STATEMENT EXECUTE FUNCTION record_material_changes();
CREATE TRIGGER materials_updated AFTER UPDATE ON materials
    REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_after
    FOR EACH STATEMENT EXECUTE FUNCTION record_material_changes();
CREATE TRIGGER materials_deleted AFTER DELETE ON materials REFERENCING OLD TABLE AS rows_before
    FOR EACH STATEMENT EXECUTE FUNCTION record_material_changes();

-- A bulk is concerned, too, when what is known of a relaxed state on one of its slabs changes.
CREATE FUNCTION record_changed_bulks() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('catalyst materials', 0));
    IF TG_OP = 'INSERT' THEN
        PERFORM add_changed_bulks(array_agg(DISTINCT bulk_mpid)) FROM rows_after WHERE bulk_mpid IS NOT NULL;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM add_changed_bulks(array_agg(DISTINCT bulk_mpid)) FROM rows_before WHERE bulk_mpid IS NOT NULL;
    ELSE
        PERFORM add_changed_bulks(array_agg(DISTINCT bulk_mpid))
        FROM (SELECT bulk_mpid FROM rows_before UNION SELECT bulk_mpid FROM rows_after) both_rows
        WHERE bulk_mpid IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION add_changed_bulks(bulk_mpids text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO material_changes (material_id, reduced_formula, chemical_system, record, energies)
    SELECT DISTINCT bulk.material_id, bulk.reduced_formula, bulk.chemical_system, true, false
    FROM material_sources origin
    JOIN materials bulk USING (material_id)
    WHERE origin.source = 'materials_project' AND origin.source_id = ANY (bulk_mpids)
$$;

DO $$
DECLARE
    watched text;
BEGIN
    FOREACH watched IN ARRAY ARRAY['adsorption_energies', 'adsorption_systems'] LOOP
        EXECUTE format(
            'CREATE TRIGGER %1$s_inserted AFTER INSERT ON %1$I REFERENCING NEW TABLE AS rows_after '
            'FOR EACH STATEMENT EXECUTE FUNCTION record_changed_bulks()', watched);
        EXECUTE format(
            'CREATE TRIGGER %1$s_updated AFTER UPDATE ON %1$I '
            'REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_after '
            'FOR EACH STATEMENT EXECUTE FUNCTION record_changed_bulks()', watched);
        EXECUTE format(
            'CREATE TRIGGER %1$s_deleted AFTER DELETE ON %1$I REFERENCING OLD TABLE AS rows_before '
            'FOR EACH STATEMENT EXECUTE FUNCTION record_changed_bulks()', watched);
    END LOOP;
END $$;

-- What is there already has been read by nobody.
INSERT INTO material_changes (material_id, reduced_formula, chemical_system, record, energies)
SELECT material_id, reduced_formula, chemical_system, true, hull_energies(known) IS NOT NULL FROM materials known;
SELECT add_to_totals(array_agg(totals_of(known)), 1) FROM materials known;

REVOKE ALL ON FUNCTION hash_number, hull_energies, totals_of, record_material_changes, add_to_totals,
    record_changed_bulks, add_changed_bulks FROM PUBLIC;
GRANT SELECT, DELETE ON material_changes TO catalyst_pipeline;
GRANT SELECT, UPDATE ON change_readers TO catalyst_pipeline;
GRANT SELECT ON material_totals TO catalyst_pipeline;
