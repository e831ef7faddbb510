-- Every public formation energy, one a structure and method: of several sources the one that names the material
-- speaks first. `reference_values` is never read, and what a campaign holds out as its test set is left out under
-- whatever name it goes by: a network that has seen it would be judged by what it was taught.
WITH held AS (
    SELECT coalesce(m.same_as, m.material_id) AS material_id, m.structure_hash
    FROM campaign_test_set t JOIN materials m ON m.material_id = t.material_id
)
SELECT DISTINCT ON (m.structure_hash, entry ->> 'method')
    m.structure_hash, m.chemical_system, entry ->> 'method' AS method,
    CAST(entry ->> 'value' AS double precision) AS value
FROM materials m
CROSS JOIN LATERAL jsonb_array_elements(m.properties -> 'formation_energy_per_atom') AS entry
WHERE NOT m.deprecated
  -- What a potential says is of the structure that it relaxed, and no functional's.
  AND NOT entry ? 'derived'
  AND NOT EXISTS (
      SELECT 1 FROM held WHERE held.material_id = m.material_id OR held.structure_hash = m.structure_hash)
ORDER BY
    m.structure_hash, entry ->> 'method', m.material_id COLLATE "C",
    nullif(entry ->> 'source', split_part(m.material_id, ':', 1)) COLLATE "C" NULLS FIRST
