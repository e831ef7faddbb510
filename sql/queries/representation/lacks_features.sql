-- Whether any structure in use has neither features nor an entry in quarantine. A :feature_set that is null has none.
SELECT EXISTS (
    SELECT 1 FROM described_structures m
    WHERE m.in_use
      AND NOT EXISTS (
          SELECT 1 FROM structure_features f
          WHERE f.feature_set = :feature_set AND f.structure_hash = m.structure_hash)
      AND NOT EXISTS (
          SELECT 1 FROM quarantine q
          WHERE q.source = :quarantine_source AND q.raw_sha256 = :fingerprint AND q.record = m.structure_hash)
) AS lacking
