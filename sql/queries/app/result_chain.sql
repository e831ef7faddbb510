-- The numbers of a result and of all that corrected or retracted it, before and after it.
-- :result_id
WITH RECURSIVE before AS (
    SELECT result_id, supersedes FROM validation_results WHERE result_id = :result_id
    UNION
    SELECT v.result_id, v.supersedes FROM validation_results v JOIN before b ON v.result_id = b.supersedes
), after AS (
    SELECT result_id FROM validation_results WHERE result_id = :result_id
    UNION
    SELECT v.result_id FROM validation_results v JOIN after a ON v.supersedes = a.result_id
)
SELECT result_id FROM before UNION SELECT result_id FROM after
