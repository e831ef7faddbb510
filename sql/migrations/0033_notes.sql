-- What people write about a material: kept beside its candidates, whatever campaign ranks it.
CREATE TABLE material_notes (
    note_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    material_id text NOT NULL REFERENCES materials,
    author      text NOT NULL CHECK (author <> ''),
    text        text NOT NULL CHECK (text <> '' AND length(text) <= 10000),
    written_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX material_notes_material ON material_notes (material_id, note_id);
CREATE TRIGGER material_notes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON material_notes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON material_notes TO catalyst_app;

COMMENT ON TABLE material_notes IS 'What people write about a material; notes stay as they were written.';
COMMENT ON COLUMN material_notes.note_id IS 'Number of the note.';
COMMENT ON COLUMN material_notes.material_id IS 'The material.';
COMMENT ON COLUMN material_notes.author IS 'Who wrote it.';
COMMENT ON COLUMN material_notes.text IS 'What it says.';
COMMENT ON COLUMN material_notes.written_at IS 'When it was written.';
