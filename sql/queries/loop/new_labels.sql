-- How many values validation gives that an iteration did not learn from, or learned otherwise.
-- Parameters: campaign, partition_key, properties, kinds_without_labels.
SELECT count(*) AS n
FROM campaign_truths(:campaign) t
LEFT JOIN iteration_labels l
       ON l.partition_key = :partition_key AND l.material_id = t.material_id AND l.property = t.property
WHERE t.property = ANY (CAST(:properties AS text[]))
  AND (l.material_id IS NULL OR l.value <> t.value)
  AND NOT EXISTS (
      SELECT 1 FROM campaign_test_set held WHERE held.campaign = :campaign AND held.material_id = t.material_id)
  AND NOT EXISTS (
      SELECT 1
      FROM validation_results v
      JOIN candidates c ON c.partition_key = v.partition_key AND c.material_id = v.material_id
      WHERE v.result_id = ANY (t.result_ids)
        AND c.rejection_kind = ANY (CAST(:kinds_without_labels AS rejection_kind[])))
