-- The report of a campaign that was written last; no row before there is one.
-- :campaign
SELECT details ->> 'key' AS key, answered_at FROM campaign_requests
WHERE campaign = :campaign AND kind = 'report' AND status = 'done'
ORDER BY answered_at DESC LIMIT 1
