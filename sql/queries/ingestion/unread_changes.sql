-- How far a reader has read, how far it can read, and what else decided what it found.
-- Parameters: reader.
SELECT
    change_id AS after,
    greatest(change_id, (SELECT max(change_id) FROM material_changes)) AS until,
    context
FROM change_readers
WHERE reader = :reader;
