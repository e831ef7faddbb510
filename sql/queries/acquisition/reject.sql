SELECT transition_candidate(
    :candidate_id, 'rejected', :actor, :reason, CAST(:kind AS rejection_kind)) AS moved
