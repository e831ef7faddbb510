-- Materials loaded from a file of answers for which there is none.
-- Run as catalyst_validator. Parameters: source, raw_sha256, retrieved_at.
SELECT origin.material_id
FROM material_sources origin
WHERE origin.source = :source
  AND origin.raw_sha256 = :raw_sha256
  AND origin.retrieved_at = CAST(:retrieved_at AS timestamptz)
  AND NOT EXISTS (
      SELECT 1 FROM reference_values answer
      WHERE answer.material_id = origin.material_id AND answer.source = origin.source
  )
ORDER BY origin.material_id
LIMIT 100;
