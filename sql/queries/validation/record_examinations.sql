-- Parameters: found (JSON array of results, each with its problem or null).
INSERT INTO result_examinations (result_id, problem)
SELECT result_id, problem FROM jsonb_to_recordset(CAST(:found AS jsonb)) AS found (result_id bigint, problem text)
ON CONFLICT (result_id) DO UPDATE SET problem = excluded.problem, examined_at = now()
WHERE result_examinations.problem IS DISTINCT FROM excluded.problem
