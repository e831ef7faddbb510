-- :run_id, :actor
INSERT INTO run_stops (run_id, actor) VALUES (:run_id, :actor)
