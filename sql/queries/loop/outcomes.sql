-- What validation said of each material of a campaign, a row a property; a row without one where nothing was measured.
-- Values of another method than the campaign's are no answer to it.
-- Values of a candidate that was rejected as one of :kinds_without_labels are none.
WITH spoken AS (
    SELECT v.material_id, v.partition_key
    FROM effective_results v
    JOIN active_learning_runs r USING (partition_key)
    JOIN campaigns g ON g.name = r.campaign
    WHERE r.campaign = :campaign AND v.method = g.document ->> 'method'
    UNION
    -- What was known already, or came by nobody's iteration.
    SELECT c.material_id, c.partition_key
    FROM candidates c
    JOIN active_learning_runs r USING (partition_key)
    WHERE r.campaign = :campaign AND (c.status = 'validated' OR c.rejection_kind = 'poor')
),
newest AS (
    SELECT DISTINCT ON (s.material_id) s.material_id, s.partition_key, r.iteration
    FROM spoken s
    JOIN active_learning_runs r USING (partition_key)
    ORDER BY s.material_id, r.iteration DESC
)
SELECT n.material_id, m.reduced_formula, n.partition_key, n.iteration, coalesce(c.rank, 0) AS rank, t.property,
       CASE WHEN c.rejection_kind = ANY (CAST(:kinds_without_labels AS rejection_kind[])) THEN NULL ELSE t.value END
           AS value
FROM newest n
JOIN materials m USING (material_id)
LEFT JOIN candidates c ON c.partition_key = n.partition_key AND c.material_id = n.material_id
LEFT JOIN campaign_truths(:campaign) t ON t.material_id = n.material_id
ORDER BY n.material_id, t.property
