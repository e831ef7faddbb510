-- How often a candidate was decided about; no row where there is none.
-- :candidate_id
SELECT version FROM candidates WHERE candidate_id = :candidate_id;
