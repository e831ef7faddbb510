-- How many labelled materials of an open iteration have neither features nor an entry in quarantine: the backbone may have
-- changed since it opened.
-- Parameters: partition_key, relaxed_by, feature_set, fingerprint, quarantine_source.
SELECT count(*) AS n_materials
FROM (SELECT DISTINCT material_id FROM iteration_labels WHERE partition_key = :partition_key) labelled
JOIN material_structures(CAST(:relaxed_by AS text)) used USING (material_id)
WHERE NOT EXISTS (
      SELECT 1 FROM structure_features f
      WHERE f.feature_set = CAST(:feature_set AS integer) AND f.structure_hash = used.structure_hash)
  AND NOT EXISTS (
      SELECT 1 FROM quarantine q
      WHERE q.source = :quarantine_source AND q.raw_sha256 = :fingerprint AND q.record = used.structure_hash)
