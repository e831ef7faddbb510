-- What changes when something is answered, ranked or asked differently: who kept what follows from answers looks here.
SELECT (SELECT max(change_id) FROM changes WHERE kind LIKE 'result.%' OR kind = 'iteration.list') AS change_id,
       (SELECT max(candidate_id) FROM candidates) AS candidate_id,
       (SELECT string_agg(name || ' ' || sha256, ',' ORDER BY name) FROM campaigns) AS goals
