-- What was asked first of what waits.
-- :kinds
SELECT request_id, kind, campaign, document, reason, actor, asked_at
FROM campaign_requests WHERE status = 'waiting' AND kind = ANY (:kinds)
ORDER BY request_id LIMIT 1
