-- :material_id, :author, :text
INSERT INTO material_notes (material_id, author, text) VALUES (:material_id, :author, :text)
RETURNING note_id, author, text, written_at
