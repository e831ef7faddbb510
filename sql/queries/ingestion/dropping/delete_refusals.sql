-- Rows of the dropped files that were set aside.
DELETE FROM quarantine held
USING dropped_files gone
WHERE gone.is_alone AND (held.source, held.raw_sha256) = (gone.source, gone.sha256);
