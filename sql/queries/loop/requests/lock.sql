-- One daemon answers at a time, so that requests are carried out in the order in which they were made.
SELECT pg_try_advisory_xact_lock(hashtextextended('catalyst.campaign_requests', 0)) AS is_ours
