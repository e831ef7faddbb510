SELECT count(*) AS n FROM campaign_requests WHERE status = 'waiting'
