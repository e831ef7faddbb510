-- How candidates stand; those that do not exist are left out.
-- :candidate_ids
SELECT candidate_id, status, version FROM candidates WHERE candidate_id = ANY (CAST(:candidate_ids AS bigint[]));
