INSERT INTO campaign_test_set (campaign, material_id) VALUES (:campaign, :material_id) ON CONFLICT DO NOTHING
