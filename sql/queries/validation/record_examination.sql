INSERT INTO result_examinations (result_id, problem) VALUES (:result_id, :problem)
ON CONFLICT (result_id) DO UPDATE SET problem = excluded.problem, examined_at = now()
WHERE result_examinations.problem IS DISTINCT FROM excluded.problem
