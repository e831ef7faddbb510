INSERT INTO run_claims (run_id) VALUES (:run_id) ON CONFLICT DO NOTHING
