-- How many candidates pass the filters of candidates.sql.
-- :campaign, :iteration, :statuses  filters, null to leave out (:statuses is an array)
SELECT count(*) AS total
FROM candidates k
JOIN active_learning_runs r USING (partition_key)
WHERE (CAST(:campaign AS text) IS NULL OR r.campaign = :campaign)
  AND (CAST(:iteration AS integer) IS NULL OR r.iteration = :iteration)
  AND (CAST(:statuses AS candidate_status[]) IS NULL OR k.status = ANY (CAST(:statuses AS candidate_status[])));
