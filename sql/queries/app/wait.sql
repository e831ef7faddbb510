-- What a campaign waits for; no row where it waits for nothing or has ended.
SELECT w.waits_on, w.reason, w.remedy, w.since, w.failed_run_id, w.failure, w.failed_at, w.next_try_at
FROM campaign_waits w
JOIN campaigns c ON c.name = w.campaign
WHERE w.campaign = :name AND c.status = 'active'
