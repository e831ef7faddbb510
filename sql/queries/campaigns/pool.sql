-- The materials a campaign may choose from, in a fixed order. A null parameter does not restrict; :described chooses those
-- with features of :feature_set, or those with neither features nor an entry in quarantine. Of energies above hull by
-- :hull_method the lowest counts; :hull_unknown says what becomes of materials without one.
SELECT m.material_id, m.reduced_formula, m.chemical_system, used.structure_hash
FROM materials m
JOIN material_structures(CAST(:relaxed_by AS text)) used USING (material_id)
WHERE NOT m.deprecated
  AND (CAST(:sources AS text[]) IS NULL OR EXISTS (
        SELECT 1 FROM material_sources s
        WHERE s.material_id = m.material_id AND s.source = ANY (CAST(:sources AS text[]))))
  AND (CAST(:elements AS text[]) IS NULL OR m.elements @> CAST(:elements AS text[]))
  AND (CAST(:exclude_elements AS text[]) IS NULL OR NOT m.elements && CAST(:exclude_elements AS text[]))
  AND (CAST(:chemical_system AS text) IS NULL OR m.chemical_system = :chemical_system)
  AND (CAST(:only_elements AS text[]) IS NULL OR m.elements <@ CAST(:only_elements AS text[]))
  AND (CAST(:n_sites_min AS integer) IS NULL OR m.n_sites >= :n_sites_min)
  AND (CAST(:n_sites_max AS integer) IS NULL OR m.n_sites <= :n_sites_max)
  AND (CAST(:lacks_property AS text) IS NULL OR NOT EXISTS (
        SELECT 1 FROM jsonb_array_elements(m.properties -> CAST(:lacks_property AS text)) AS entry
        WHERE entry ->> 'method' = :lacks_method))
  AND (CAST(:hull_method AS text) IS NULL OR coalesce((
        SELECT min(CAST(entry ->> 'value' AS double precision))
        FROM jsonb_array_elements(m.properties -> 'energy_above_hull') AS entry
        WHERE entry ->> 'method' = :hull_method) <= :hull_max, CAST(:hull_unknown AS boolean)))
  AND m.material_id <> ALL (CAST(:without AS text[]))
  AND (CAST(:described AS boolean) IS NULL OR CAST(:described AS boolean) = EXISTS (
        SELECT 1 FROM structure_features f
        WHERE f.feature_set = CAST(:feature_set AS integer) AND f.structure_hash = used.structure_hash))
  AND (CAST(:described AS boolean) IS NOT FALSE OR NOT EXISTS (
        SELECT 1 FROM quarantine q
        WHERE q.source = :quarantine_source AND q.raw_sha256 = :fingerprint AND q.record = used.structure_hash))
  AND (CAST(:arrived_until AS timestamptz) IS NULL OR m.created_at <= :arrived_until)
ORDER BY m.material_id
LIMIT CAST(:most AS integer)
