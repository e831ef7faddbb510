-- Whose candidate it is, and who validates there; no row where there is none.
-- :candidate_id
SELECT r.campaign, r.document ->> 'validator' AS validator
FROM candidates c JOIN active_learning_runs r USING (partition_key)
WHERE c.candidate_id = :candidate_id
