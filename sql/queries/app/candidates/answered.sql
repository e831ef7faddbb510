-- Candidates of which something was measured by their campaign's method, and its mean, a row a property.
-- :campaign, :property  null for all
SELECT c.candidate_id, r.campaign, m.reduced_formula AS formula, c.rejection_kind, v.property,
       CASE WHEN min(v.value) = max(v.value) THEN min(v.value) ELSE avg(v.value) END AS value
FROM effective_results v
JOIN candidates c ON c.material_id = v.material_id AND (v.partition_key = c.partition_key OR v.partition_key IS NULL)
JOIN active_learning_runs r ON r.partition_key = c.partition_key
JOIN materials m ON m.material_id = c.material_id
WHERE v.method = r.document ->> 'method'
  AND v.property IS NOT NULL
  AND (CAST(:campaign AS text) IS NULL OR r.campaign = :campaign)
  AND (CAST(:property AS text) IS NULL OR v.property = :property)
GROUP BY c.candidate_id, r.campaign, m.reduced_formula, c.rejection_kind, v.property
ORDER BY c.candidate_id, v.property
