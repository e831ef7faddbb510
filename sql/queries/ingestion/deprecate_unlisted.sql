-- Retire the materials that a source no longer lists and no other source knows.
-- Parameters: source, standing (text array: the source's own names of what it still has).
UPDATE materials gone
SET deprecated = true, updated_at = now()
FROM material_sources origin
WHERE origin.material_id = gone.material_id
  AND origin.source = :source
  AND NOT gone.deprecated
  AND NOT EXISTS (
      SELECT 1 FROM unnest(CAST(:standing AS text[])) AS listed (source_id) WHERE listed.source_id = origin.source_id
  )
  AND NOT EXISTS (
      SELECT 1 FROM material_sources other
      WHERE other.material_id = gone.material_id AND other.source <> :source
  );
