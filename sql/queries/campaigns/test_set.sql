SELECT material_id FROM campaign_test_set WHERE campaign = :campaign ORDER BY material_id
