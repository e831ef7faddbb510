DELETE FROM campaign_changes WHERE campaign = :campaign
