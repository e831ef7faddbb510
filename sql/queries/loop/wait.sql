SELECT waits_on, subject, reason, remedy, since, failed_run_id, failure, failed_at, next_try_at
FROM campaign_waits WHERE campaign = :campaign
