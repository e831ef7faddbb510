-- Let other sources' records that were one material with a dropped record be materials of their own until they are
-- compared again.
UPDATE material_sources origin
SET material_id = origin.source || ':' || origin.source_id
FROM dropped_records gone
WHERE origin.material_id = gone.material_id
  AND NOT gone.is_used
  AND (origin.source, origin.source_id) <> (gone.source, gone.source_id);
