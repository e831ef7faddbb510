-- Why records were set aside, the most frequent first. Parameters: source (null for all).
SELECT counted.source, counted.kind, counted.n, q.reason AS example, q.seen_at
FROM (
    SELECT source, reason_kind(reason) AS kind, count(*) AS n, max(quarantine_id) AS newest
    FROM quarantine
    WHERE CAST(:source AS text) IS NULL OR source = :source
    GROUP BY source, reason_kind(reason)
) counted
JOIN quarantine q ON q.quarantine_id = counted.newest
ORDER BY counted.n DESC, counted.source, counted.kind;
