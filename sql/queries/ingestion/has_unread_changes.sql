-- Whether a reader has changes to read: of energies, or of what records say.
-- Parameters: reader, energies.
SELECT EXISTS (
    SELECT 1
    FROM material_changes change
    JOIN change_readers known ON known.reader = :reader
    WHERE change.change_id > known.change_id
      AND CASE WHEN CAST(:energies AS boolean) THEN change.energies ELSE change.record END
) AS present
