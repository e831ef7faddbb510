-- Which properties a campaign's rankings predict, in which unit, read from each iteration's first candidate.
-- :campaign  its name
SELECT DISTINCT entry.key AS name, entry.value ->> 'unit' AS unit
FROM candidates k
JOIN active_learning_runs r USING (partition_key)
CROSS JOIN LATERAL jsonb_each(k.predicted) entry
WHERE r.campaign = :campaign AND k.rank = 1
ORDER BY name;
