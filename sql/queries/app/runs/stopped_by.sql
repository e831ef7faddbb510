-- Who had each of these runs stopped, first.
-- :run_ids
SELECT DISTINCT ON (run_id) run_id, actor FROM run_stops WHERE run_id = ANY (:run_ids) ORDER BY run_id, stop_id
