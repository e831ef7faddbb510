-- A report of a campaign that is asked for and not written yet.
-- :campaign
SELECT request_id FROM campaign_requests
WHERE campaign = :campaign AND kind = 'report' AND status = 'waiting' ORDER BY request_id LIMIT 1
