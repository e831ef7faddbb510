-- Give some materials the lowest energy of each adsorbate by each method as a property; returns the materials that changed.
-- Counted are relaxed states without anomaly. What was published is on slabs of the bulk that the Materials Project knows
-- by the id that the source gives; what was computed here, on slabs of the structure that a material still has, by
-- default settings. Where that bulk is now part of another material, the label goes there.
-- Parameters: materials (text array), published, computed (sources), properties (JSON: adsorbate → property).
WITH wanted AS (
    SELECT key AS adsorbate, value AS property FROM jsonb_each_text(CAST(:properties AS jsonb))
),
energies AS (
    SELECT bulk.material_id, energy.adsorbate, energy.source, energy.method, energy.energy_ev
    FROM adsorption_energies energy
    -- A system that is said to hold another adsorbate than its energy is no label.
    JOIN adsorption_systems system
        ON system.source = energy.source AND system.system_id = energy.system_id
        AND system.adsorbate = energy.adsorbate
    JOIN material_sources bulk ON bulk.source = 'materials_project' AND bulk.source_id = energy.bulk_mpid
    WHERE energy.source = :published AND energy.frame = -1 AND energy.anomaly = 0
      AND bulk.material_id = ANY (CAST(:materials AS text[]))
    UNION ALL
    SELECT coalesce(own.same_as, own.material_id), energy.adsorbate, energy.source, energy.method, energy.energy_ev
    FROM materials own
    JOIN adsorption_energies energy
        ON energy.material_id = own.material_id AND energy.structure_hash = own.structure_hash
    WHERE energy.source = :computed AND energy.frame = -1 AND energy.anomaly = 0
      AND energy.by_default
      AND (own.material_id = ANY (CAST(:materials AS text[])) OR own.same_as = ANY (CAST(:materials AS text[])))
),
labels AS (
    SELECT
        material_id,
        property,
        jsonb_build_object(
            'value', min(energy_ev), 'unit', 'eV', 'method', method, 'source', source, 'derived', true
        ) AS entry
    FROM energies
    JOIN wanted USING (adsorbate)
    GROUP BY material_id, property, source, method
),
concerned AS (
    SELECT unnest(CAST(:materials AS text[])) AS material_id
)
UPDATE materials known
SET properties = merged.properties, updated_at = now()
FROM concerned
JOIN materials before USING (material_id)
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(name, entries), '{}') AS properties
    FROM (
        SELECT name, jsonb_agg(entry ORDER BY entry ->> 'source' COLLATE "C", entry ->> 'method' COLLATE "C") AS entries
        FROM (
            SELECT kept.key AS name, entry
            FROM jsonb_each(before.properties) kept, jsonb_array_elements(kept.value) entry
            WHERE NOT (
                entry ->> 'source' IN (:published, :computed) AND kept.key IN (SELECT property FROM wanted)
            )
            UNION ALL
            SELECT property, entry FROM labels WHERE labels.material_id = before.material_id
        ) every_entry
        GROUP BY name
    ) by_name
) merged
WHERE known.material_id = concerned.material_id
  AND known.properties IS DISTINCT FROM merged.properties
RETURNING known.material_id;
