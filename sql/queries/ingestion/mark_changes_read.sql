-- Remember how far a reader has read; one that is further already stays there.
-- Parameters: reader, until, context.
UPDATE change_readers
SET change_id = greatest(change_id, :until), context = :context
WHERE reader = :reader AND (change_id < :until OR context <> :context);
