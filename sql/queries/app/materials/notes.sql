-- What was written about a material, oldest first.
-- :material_id
SELECT note_id, author, text, written_at FROM material_notes WHERE material_id = :material_id ORDER BY note_id
