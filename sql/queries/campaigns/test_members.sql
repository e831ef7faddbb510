-- What a campaign holds out, with the structures by which it would be recognised under another name.
SELECT t.material_id, used.structure_hash
FROM campaign_test_set t
LEFT JOIN material_structures(CAST(:relaxed_by AS text)) used USING (material_id)
WHERE t.campaign = :campaign
ORDER BY t.material_id
