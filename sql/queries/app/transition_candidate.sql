-- Move a candidate; false when it was there already. The database refuses an illegal step.
-- :candidate_id, :status, :actor, :reason, :kind  the kind of a rejection, else null
SELECT transition_candidate(
    CAST(:candidate_id AS bigint), CAST(:status AS candidate_status), CAST(:actor AS text), CAST(:reason AS text),
    CAST(:kind AS rejection_kind)
) AS changed;
