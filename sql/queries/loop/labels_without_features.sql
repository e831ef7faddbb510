-- How many materials have computed values that a campaign learns from and neither features nor an entry in quarantine.
-- Parameters: relaxed_by, properties, method, arrived_until, feature_set, fingerprint, quarantine_source.
SELECT count(*) AS n_materials
FROM materials m
JOIN material_structures(CAST(:relaxed_by AS text)) used USING (material_id)
WHERE NOT m.deprecated
  AND m.created_at <= :arrived_until
  AND m.properties ?| CAST(:properties AS text[])
  AND NOT EXISTS (
      SELECT 1 FROM structure_features f
      WHERE f.feature_set = CAST(:feature_set AS integer) AND f.structure_hash = used.structure_hash)
  AND NOT EXISTS (
      SELECT 1 FROM quarantine q
      WHERE q.source = :quarantine_source AND q.raw_sha256 = :fingerprint AND q.record = used.structure_hash)
  AND EXISTS (
      SELECT 1
      FROM unnest(CAST(:properties AS text[])) AS wanted (property)
      CROSS JOIN LATERAL jsonb_array_elements(m.properties -> wanted.property) AS entry
      WHERE entry ->> 'method' = :method)
