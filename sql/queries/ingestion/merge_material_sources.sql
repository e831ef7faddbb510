-- Say for every staged record which material it is and where it came from last.
-- Parameters: source, raw_sha256, retrieved_at.
INSERT INTO material_sources AS known (source, source_id, material_id, raw_sha256, licence, retrieved_at)
SELECT
    :source, staged.source_id, coalesce(own.same_as, own.material_id), :raw_sha256, staged.licence,
    CAST(:retrieved_at AS timestamptz)
FROM staged_materials staged
JOIN materials own USING (material_id)
ORDER BY staged.source_id
ON CONFLICT (source, source_id) DO UPDATE
SET material_id = excluded.material_id,
    raw_sha256 = excluded.raw_sha256,
    licence = excluded.licence,
    retrieved_at = excluded.retrieved_at
WHERE (known.material_id, known.raw_sha256, known.licence, known.retrieved_at)
      IS DISTINCT FROM (excluded.material_id, excluded.raw_sha256, excluded.licence, excluded.retrieved_at);
