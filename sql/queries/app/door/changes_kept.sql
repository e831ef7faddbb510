-- The oldest and the newest change that is kept; 0 where none is.
SELECT coalesce(min(change_id), 0) AS oldest, coalesce(max(change_id), 0) AS newest FROM changes;
