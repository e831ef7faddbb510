-- Keep what a campaign waits for; while it is the same waiting, it has lasted since the first time.
INSERT INTO campaign_waits AS known
    (campaign, waits_on, subject, reason, remedy, failed_run_id, failure, failed_at, next_try_at)
VALUES (:campaign, :waits_on, :subject, :reason, :remedy, :failed_run_id, :failure, :failed_at, :next_try_at)
ON CONFLICT (campaign) DO UPDATE SET
    waits_on = excluded.waits_on, subject = excluded.subject, reason = excluded.reason, remedy = excluded.remedy,
    failed_run_id = excluded.failed_run_id, failure = excluded.failure, failed_at = excluded.failed_at,
    next_try_at = excluded.next_try_at,
    since = CASE WHEN (known.waits_on, known.subject) = (excluded.waits_on, excluded.subject)
                 THEN known.since ELSE excluded.since END
