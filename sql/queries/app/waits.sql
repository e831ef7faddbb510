-- What campaigns wait for, the longest first; those that have ended wait for nothing.
SELECT w.campaign, w.waits_on, w.reason, w.remedy, w.since, w.failed_run_id, w.failure, w.failed_at, w.next_try_at
FROM campaign_waits w
JOIN campaigns c ON c.name = w.campaign
WHERE c.status = 'active'
ORDER BY w.since, w.campaign;
