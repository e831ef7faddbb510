-- Take back the retirement of materials that a source lists, for those it will not say anew: they did not change.
-- Parameters: source, listed_at, standing (text array: the source's own names of what it still has).
UPDATE materials back
SET deprecated = false, updated_at = now()
FROM material_sources origin
JOIN unnest(CAST(:standing AS text[])) AS listed (source_id) USING (source_id)
WHERE back.material_id = origin.source || ':' || origin.source_id
  AND origin.source = :source
  AND origin.retrieved_at < CAST(:listed_at AS timestamptz)
  AND back.deprecated
  AND back.same_as IS NULL;
