-- :request_id
SELECT request_id, campaign, actor, status FROM campaign_requests WHERE request_id = :request_id AND kind = 'report'
