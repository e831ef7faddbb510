-- Whether any part of the daemon gave a sign of life since then, in UTC; no row before its first.
SELECT max(timestamp) >= CAST(:since AS timestamp) AS beats FROM daemon_heartbeats HAVING count(*) > 0
