-- Forget earlier refusals of rows that were read again and passed, or failed for another reason.
-- Parameters: source, raw_sha256, places (text array: every row of the shard).
DELETE FROM quarantine held
WHERE held.source = :source
  AND held.raw_sha256 = :raw_sha256
  AND held.record = ANY (CAST(:places AS text[]))
  AND NOT EXISTS (
      SELECT 1 FROM staged_quarantine staged
      WHERE staged.record = held.record AND staged.reason = held.reason
  );
