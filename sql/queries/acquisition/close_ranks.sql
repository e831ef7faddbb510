-- Candidates are kept for ever: those that fell out of the shortlist follow it.
WITH left_over AS (
    SELECT candidate_id, row_number() OVER (ORDER BY rank) AS place
    FROM candidates WHERE partition_key = :partition_key AND rank > 1000000000
)
UPDATE candidates c SET rank = :n_shortlisted + left_over.place
FROM left_over WHERE c.candidate_id = left_over.candidate_id
