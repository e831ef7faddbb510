-- Why rows of some raw files are set aside: those that were set aside last, in their order.
-- Parameters: raw_sha256s (text array), limit.
SELECT source, record, reason
FROM (
    SELECT quarantine_id, source, record, reason
    FROM quarantine
    WHERE raw_sha256 = ANY (CAST(:raw_sha256s AS text[]))
    ORDER BY quarantine_id DESC
    LIMIT :limit
) newest
ORDER BY quarantine_id;
