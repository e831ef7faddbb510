-- Records that were set aside, the newest first; what answers a validator is not told.
-- Parameters: source, kind (of the reason), before (a number); null does not restrict; limit.
SELECT q.quarantine_id, q.source, q.record, q.raw_sha256, q.reason, reason_kind(q.reason) AS kind, q.seen_at,
    CASE WHEN q.source NOT IN (SELECT source FROM closed_sources) THEN q.payload END AS payload
FROM quarantine q
WHERE (CAST(:source AS text) IS NULL OR q.source = :source)
  AND (CAST(:kind AS text) IS NULL OR reason_kind(q.reason) = :kind)
  AND (CAST(:before AS bigint) IS NULL OR q.quarantine_id < :before)
ORDER BY q.quarantine_id DESC
LIMIT :limit;
