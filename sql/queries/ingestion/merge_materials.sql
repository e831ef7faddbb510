-- Insert or update the staged materials of one source; entries of other sources stay in `properties`.
-- Returns those that were written; what is the same already keeps its updated_at.
-- What others say of a record's crystal goes when its crystal is another one; a validator's pool keeps nothing of it.
-- Parameters: source, closed (it is such a pool).
INSERT INTO materials AS known (
    material_id, reduced_formula, chemical_system, elements, n_sites, structure_json, structure_hash, properties, own_md5
)
SELECT
    staged.material_id, staged.reduced_formula, staged.chemical_system, staged.elements, staged.n_sites,
    staged.structure_json, staged.structure_hash,
    CASE
        WHEN before.properties IS NULL OR before.properties = '{}' OR :closed
            OR before.structure_hash <> staged.structure_hash
        THEN staged.properties
        ELSE (
        SELECT coalesce(jsonb_object_agg(name, entries), '{}')
        FROM (
            SELECT name, jsonb_agg(entry ORDER BY entry ->> 'source' COLLATE "C", entry ->> 'method' COLLATE "C") AS entries
            FROM (
                SELECT kept.key AS name, entry
                FROM jsonb_each(before.properties) kept, jsonb_array_elements(kept.value) entry
                WHERE entry ->> 'source' <> :source
                UNION ALL
                SELECT new.key, entry
                FROM jsonb_each(staged.properties) new, jsonb_array_elements(new.value) entry
            ) every_entry
            GROUP BY name
        ) by_name
    ) END,
    CASE WHEN :closed THEN 'answers' ELSE md5(CAST(staged.properties AS text)) END
FROM staged_materials staged
LEFT JOIN materials before USING (material_id)
ORDER BY staged.material_id
ON CONFLICT (material_id) DO UPDATE
SET reduced_formula = excluded.reduced_formula,
    chemical_system = excluded.chemical_system,
    elements = excluded.elements,
    n_sites = excluded.n_sites,
    structure_json = excluded.structure_json,
    structure_hash = excluded.structure_hash,
    properties = excluded.properties,
    own_md5 = excluded.own_md5,
    same_as = CASE WHEN :closed OR known.structure_hash <> excluded.structure_hash THEN NULL ELSE known.same_as END,
    deprecated = NOT :closed AND known.structure_hash = excluded.structure_hash AND known.same_as IS NOT NULL,
    updated_at = now()
WHERE (known.deprecated AND known.same_as IS NULL)
   OR (known.structure_json, known.structure_hash, known.properties, known.own_md5)
      IS DISTINCT FROM (excluded.structure_json, excluded.structure_hash, excluded.properties, excluded.own_md5)
RETURNING known.material_id, (known.xmax = 0) AS is_new;
