-- :request_id
SELECT request_id, kind, campaign, reason, actor, asked_at, status, answer, remedy, details, answered_at
FROM campaign_requests WHERE request_id = :request_id
