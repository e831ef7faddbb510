-- What was predicted of each candidate of a campaign that was answered, and whether anything was learned by then.
-- :campaign, :material_ids
SELECT c.candidate_id, r.iteration, c.material_id, c.predicted, r.label_count > 0 AS learned
FROM candidates c
JOIN active_learning_runs r USING (partition_key)
WHERE r.campaign = :campaign AND c.material_id = ANY (CAST(:material_ids AS text[]))
