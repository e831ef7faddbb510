-- Retire the materials that the newest file of a source no longer names and no other source knows.
-- A row that is named but could not be read keeps its material.
-- Parameters: source, raw_sha256, retrieved_at.
UPDATE materials gone
SET deprecated = true, updated_at = now()
FROM material_sources origin
WHERE origin.material_id = gone.material_id
  AND origin.source = :source
  AND origin.retrieved_at < CAST(:retrieved_at AS timestamptz)
  AND NOT gone.deprecated
  AND NOT EXISTS (
      SELECT 1 FROM material_sources other
      WHERE other.material_id = gone.material_id
        AND (other.source <> :source OR other.retrieved_at >= CAST(:retrieved_at AS timestamptz))
  )
  AND NOT EXISTS (
      SELECT 1 FROM quarantine held
      WHERE held.source = :source
        AND held.raw_sha256 = :raw_sha256
        AND held.payload ->> 'record' = origin.source_id
  );
