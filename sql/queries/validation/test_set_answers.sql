SELECT t.material_id, a.property, a.value
FROM campaign_test_set t
JOIN reference_values a ON a.material_id = t.material_id
WHERE t.campaign = :campaign AND a.method = :method AND a.property = ANY (CAST(:properties AS text[]))
ORDER BY t.material_id, a.property
