-- Where the dropped records came from.
DELETE FROM material_sources origin
USING dropped_records gone
WHERE (origin.source, origin.source_id) = (gone.source, gone.source_id);
