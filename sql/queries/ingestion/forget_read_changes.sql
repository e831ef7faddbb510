-- Remove changes that every reader has read.
DELETE FROM material_changes WHERE change_id <= (SELECT min(change_id) FROM change_readers);
