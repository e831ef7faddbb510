-- Move a candidate from one status to another; false when it was there already.
-- :candidate_id, :from_status, :to_status, :actor, :reason
SELECT transition_candidate_from(
    CAST(:candidate_id AS bigint), CAST(:from_status AS candidate_status), CAST(:to_status AS candidate_status),
    CAST(:actor AS text), CAST(:reason AS text)
) AS changed
