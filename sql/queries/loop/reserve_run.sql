INSERT INTO run_requests AS known (run_key, requested_by) VALUES (:run_key, :requested_by)
ON CONFLICT (run_key) DO UPDATE SET requested_by = excluded.requested_by, requested_at = now()
WHERE known.requested_by = excluded.requested_by
   OR known.requested_at NOT BETWEEN now() - CAST(:pause AS interval) AND now()
RETURNING run_key
