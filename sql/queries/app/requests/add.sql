-- :kind, :campaign, :document, :reason, :actor
INSERT INTO campaign_requests (kind, campaign, document, reason, actor)
VALUES (:kind, :campaign, CAST(:document AS jsonb), :reason, :actor)
RETURNING request_id
