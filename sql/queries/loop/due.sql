-- Which campaigns the loop has to look at, what the others wait for, and whether there are calculations to follow. One that rests is looked at when something of it
-- changes, and now and then: time alone may decide, and a clock that was set back must not let it rest for years.
SELECT coalesce(array_agg(c.name ORDER BY c.created_at, c.name) FILTER (WHERE due.is_so), '{}') AS due,
       coalesce(string_agg(c.name || ': ' || w.reason, '; ' ORDER BY c.created_at, c.name)
                FILTER (WHERE NOT due.is_so AND c.status = 'active'), '') AS waiting,
       EXISTS (SELECT 1 FROM validation_jobs WHERE status IN ('waiting', 'running')) AS calculates
FROM campaigns c
LEFT JOIN campaign_looks k ON k.campaign = c.name
LEFT JOIN campaign_waits w ON w.campaign = c.name
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT 1 FROM campaign_changes x WHERE x.campaign = c.name)
        OR NOT coalesce(k.rests, c.status <> 'active')
        OR (c.status = 'active' AND NOT now() BETWEEN k.looked_at AND k.look_at) AS is_so
) due
