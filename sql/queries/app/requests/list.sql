-- The newest first.
-- :campaign, :status  null for all
-- :before             only those with a smaller number; null for the newest
-- :limit
SELECT request_id, kind, campaign, reason, actor, asked_at, status, answer, remedy, details, answered_at
FROM campaign_requests
WHERE (CAST(:campaign AS text) IS NULL OR campaign = :campaign)
  AND (CAST(:status AS text) IS NULL OR status = :status)
  AND (CAST(:before AS bigint) IS NULL OR request_id < :before)
ORDER BY request_id DESC
LIMIT :limit
