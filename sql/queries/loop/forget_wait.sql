DELETE FROM campaign_waits WHERE campaign = :campaign
