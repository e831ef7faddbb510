-- The materials a campaign may choose from, in a fixed order. A null parameter does not restrict.
SELECT m.material_id, m.reduced_formula, m.chemical_system, m.structure_hash
FROM materials m
WHERE NOT m.deprecated
  AND (CAST(:source AS text) IS NULL OR EXISTS (
        SELECT 1 FROM material_sources s WHERE s.material_id = m.material_id AND s.source = :source))
  AND (CAST(:elements AS text[]) IS NULL OR m.elements @> CAST(:elements AS text[]))
  AND (CAST(:exclude_elements AS text[]) IS NULL OR NOT m.elements && CAST(:exclude_elements AS text[]))
  AND (CAST(:chemical_system AS text) IS NULL OR m.chemical_system = :chemical_system)
  AND (CAST(:only_elements AS text[]) IS NULL OR m.elements <@ CAST(:only_elements AS text[]))
  AND (CAST(:n_sites_min AS integer) IS NULL OR m.n_sites >= :n_sites_min)
  AND (CAST(:n_sites_max AS integer) IS NULL OR m.n_sites <= :n_sites_max)
  AND (CAST(:lacks_property AS text) IS NULL OR NOT EXISTS (
        SELECT 1 FROM jsonb_array_elements(m.properties -> CAST(:lacks_property AS text)) AS entry
        WHERE entry ->> 'method' = :lacks_method))
  AND m.material_id <> ALL (CAST(:without AS text[]))
ORDER BY m.material_id
LIMIT CAST(:most AS integer)
