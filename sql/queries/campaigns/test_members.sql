-- What a campaign holds out, with the structures by which it would be recognised under another name.
SELECT t.material_id, m.structure_hash
FROM campaign_test_set t
JOIN materials m ON m.material_id = t.material_id
WHERE t.campaign = :campaign
ORDER BY t.material_id
