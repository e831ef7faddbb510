SELECT transition_candidate(
    :candidate_id, CAST(:to_status AS candidate_status), :actor, :reason, CAST(:kind AS rejection_kind)) AS moved
