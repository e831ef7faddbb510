-- The best candidates of an iteration one step further.
-- :partition_key, :most, :status
SELECT count(transition_candidate(candidate_id, CAST(:status AS candidate_status), 'bench', 'measured'))
FROM candidates WHERE partition_key = :partition_key AND rank <= :most
