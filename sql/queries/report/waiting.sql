-- Reports that are asked for and not written yet, oldest first.
SELECT request_id, campaign, actor FROM campaign_requests
WHERE kind = 'report' AND status = 'waiting' ORDER BY request_id LIMIT 50
