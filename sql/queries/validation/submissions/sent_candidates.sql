-- In which iterations some materials were sent to validation, the newest first.
-- Parameters: material_ids (text array).
SELECT c.material_id, c.candidate_id, c.partition_key, r.campaign, r.iteration
FROM candidates c
JOIN active_learning_runs r USING (partition_key)
WHERE c.material_id = ANY (CAST(:material_ids AS text[]))
  AND (c.status IN ('flagged', 'in_validation', 'validated')
       OR c.rejection_kind IN ('poor', 'failed', 'infeasible')
          AND EXISTS (SELECT 1 FROM candidate_events e WHERE e.candidate_id = c.candidate_id AND e.to_status = 'flagged'))
ORDER BY r.iteration DESC, c.candidate_id DESC
