-- Materials among some changes that have adsorption energies, or labels of such.
-- Parameters: after, until (of changes), published, computed (sources), properties (JSON: adsorbate → property).
WITH wanted AS (
    SELECT key AS adsorbate, value AS property FROM jsonb_each_text(CAST(:properties AS jsonb))
),
changed AS (
    SELECT DISTINCT material_id FROM material_changes WHERE record AND change_id > :after AND change_id <= :until
)
SELECT bulk.material_id
FROM changed
JOIN material_sources bulk USING (material_id)
JOIN adsorption_energies energy ON energy.bulk_mpid = bulk.source_id
WHERE bulk.source = 'materials_project'
  AND energy.source = :published AND energy.frame = -1 AND energy.anomaly = 0
UNION
SELECT changed.material_id
FROM changed
JOIN materials own ON changed.material_id IN (own.material_id, own.same_as)
JOIN adsorption_energies energy ON energy.material_id = own.material_id
WHERE energy.source = :computed AND energy.frame = -1 AND energy.anomaly = 0
UNION
SELECT known.material_id
FROM changed
JOIN materials known USING (material_id)
-- a table's own adsorption energies are no labels
WHERE EXISTS (
    SELECT 1
    FROM wanted
    CROSS JOIN LATERAL jsonb_array_elements(known.properties -> wanted.property) entry
    WHERE entry ? 'derived' AND entry ->> 'source' IN (:published, :computed)
)
ORDER BY material_id;
