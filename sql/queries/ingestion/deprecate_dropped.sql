-- Retire the records that the newest file of a source no longer names.
-- A row that is named but could not be read keeps its material.
-- Parameters: source, raw_sha256, retrieved_at.
UPDATE materials gone
SET deprecated = true, same_as = NULL, updated_at = now()
FROM material_sources origin
WHERE gone.material_id = origin.source || ':' || origin.source_id
  AND origin.source = :source
  AND origin.retrieved_at < CAST(:retrieved_at AS timestamptz)
  AND (NOT gone.deprecated OR gone.same_as IS NOT NULL)
  AND NOT EXISTS (
      SELECT 1 FROM quarantine held
      WHERE held.source = :source
        AND held.raw_sha256 = :raw_sha256
        AND held.payload ->> 'record' = origin.source_id
  );
