-- How many candidates stand how.
-- :campaign, :iteration, :statuses   null for all
SELECT status, CAST(sum(n) AS bigint) AS n
FROM candidate_counts
WHERE (CAST(:campaign AS text) IS NULL OR campaign = :campaign)
  AND (CAST(:iteration AS double precision) IS NULL OR iteration = CAST(:iteration AS double precision))
  AND (CAST(:statuses AS text[]) IS NULL OR CAST(status AS text) = ANY (CAST(:statuses AS text[])))
GROUP BY status
