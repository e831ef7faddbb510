-- How the labels of a later iteration differ from those of an earlier one, by property.
SELECT coalesce(now.property, before.property) AS property,
       count(*) FILTER (WHERE before.material_id IS NULL) AS added,
       count(*) FILTER (WHERE now.material_id IS NULL) AS removed,
       count(*) FILTER (WHERE (now.value, now.standard_deviation) IS DISTINCT FROM (before.value, before.standard_deviation)
                          AND now.value IS NOT NULL AND before.value IS NOT NULL) AS changed,
       count(*) FILTER (WHERE (now.value, now.standard_deviation)
                              IS NOT DISTINCT FROM (before.value, before.standard_deviation)) AS kept
FROM (SELECT * FROM iteration_labels WHERE partition_key = :later) now
FULL JOIN (SELECT * FROM iteration_labels WHERE partition_key = :earlier) before
       ON before.material_id = now.material_id AND before.property = now.property
GROUP BY 1
ORDER BY 1
