-- :request_id, :status, :answer, :remedy, :details
UPDATE campaign_requests
SET status = :status, answer = :answer, remedy = :remedy, details = CAST(:details AS jsonb), answered_at = clock_timestamp()
WHERE request_id = :request_id AND status = 'waiting'
