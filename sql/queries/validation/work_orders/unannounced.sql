-- Candidates that were flagged for a laboratory and that no message has told of, of iterations where nothing was flagged
-- for a while: a batch that somebody reviews goes out as one.
-- Parameters: validators (text array: those that answer from outside), quiet_seconds.
WITH flagged AS (
    SELECT c.candidate_id, c.partition_key, max(e.event_id) AS event_id, max(e.at) AS at
    FROM candidates c
    JOIN active_learning_runs r USING (partition_key)
    JOIN candidate_events e ON e.candidate_id = c.candidate_id AND e.to_status = 'flagged'
    WHERE c.status IN ('flagged', 'in_validation') AND r.document ->> 'validator' = ANY (CAST(:validators AS text[]))
    GROUP BY c.candidate_id, c.partition_key
),
untold AS (
    SELECT f.* FROM flagged f
    WHERE NOT EXISTS (
        SELECT 1 FROM work_order_messages m
        WHERE m.partition_key = f.partition_key AND f.event_id = ANY (m.event_ids))
)
SELECT partition_key, array_agg(candidate_id ORDER BY candidate_id) AS candidate_ids,
       array_agg(event_id ORDER BY event_id) AS event_ids
FROM untold
GROUP BY partition_key
HAVING max(at) <= now() - make_interval(secs => :quiet_seconds)
ORDER BY partition_key
