-- The joint draws that a candidate was ranked by, and its campaign's goal then; no row where they are gone.
-- :candidate_id
SELECT r.document, v.properties, v.n_draws, p.std, p.draws
FROM candidates k
JOIN active_learning_runs r USING (partition_key)
JOIN rankings g USING (partition_key)
JOIN prediction_versions v ON v.version = g.prediction_version
JOIN predictions p ON p.version = v.version AND p.material_id = k.material_id
WHERE k.candidate_id = :candidate_id;
