-- Leave out of the staged materials what a later answer of the same source said anew.
-- Parameters: source, retrieved_at.
DELETE FROM staged_materials staged
USING material_sources known
WHERE known.source = :source
  AND known.source_id = staged.source_id
  AND known.retrieved_at > CAST(:retrieved_at AS timestamptz);
