SELECT transition_candidate(:candidate_id, CAST(:to_status AS candidate_status), :actor, :reason) AS moved
