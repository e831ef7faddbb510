-- Give some materials the lowest energy of each adsorbate as a property; returns the materials that changed.
-- Counted are relaxed states without anomaly, on slabs of the bulk that the Materials Project knows by the id that
-- the source gives; where that id is now part of another material, the label goes there.
-- Parameters: materials (text array), source, method, properties (JSON: adsorbate → property).
WITH wanted AS (
    SELECT key AS adsorbate, value AS property FROM jsonb_each_text(CAST(:properties AS jsonb))
),
lowest AS (
    SELECT bulk.material_id, wanted.property, min(energy.energy_ev) AS energy_ev
    FROM adsorption_energies energy
    JOIN wanted USING (adsorbate)
    -- A system that is said to hold another adsorbate than its energy is no label.
    JOIN adsorption_systems system
        ON system.source = energy.source AND system.system_id = energy.system_id
        AND system.adsorbate = energy.adsorbate
    JOIN material_sources bulk ON bulk.source = 'materials_project' AND bulk.source_id = energy.bulk_mpid
    WHERE energy.source = :source AND energy.method = :method AND energy.frame = -1 AND energy.anomaly = 0
      AND bulk.material_id = ANY (CAST(:materials AS text[]))
    GROUP BY bulk.material_id, wanted.property
),
labels AS (
    SELECT
        material_id,
        jsonb_object_agg(
            property,
            jsonb_build_object(
                'value', energy_ev, 'unit', 'eV', 'method', CAST(:method AS text), 'source', CAST(:source AS text),
                'derived', true
            )
        ) AS entries
    FROM lowest
    GROUP BY material_id
),
concerned AS (
    SELECT unnest(CAST(:materials AS text[])) AS material_id
)
UPDATE materials known
SET properties = merged.properties, updated_at = now()
FROM concerned
LEFT JOIN labels USING (material_id)
JOIN materials before USING (material_id)
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(name, entries), '{}') AS properties
    FROM (
        SELECT name, jsonb_agg(entry ORDER BY entry ->> 'source' COLLATE "C", entry ->> 'method' COLLATE "C") AS entries
        FROM (
            SELECT kept.key AS name, entry
            FROM jsonb_each(before.properties) kept, jsonb_array_elements(kept.value) entry
            WHERE NOT (entry ->> 'source' = :source AND kept.key IN (SELECT property FROM wanted))
            UNION ALL
            SELECT key, value FROM jsonb_each(coalesce(labels.entries, '{}'))
        ) every_entry
        GROUP BY name
    ) by_name
) merged
WHERE known.material_id = concerned.material_id
  AND known.properties IS DISTINCT FROM merged.properties
RETURNING known.material_id;
