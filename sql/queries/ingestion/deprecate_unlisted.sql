-- Retire the records that a source no longer lists.
-- A list says nothing of what was fetched after it, nor of what it was not asked about.
-- Parameters: source, listed_at, standing (text array: the source's own names of what it still has), and text arrays
-- of what the list is about, all of it when empty: chemical_systems, elements, without_elements, records.
UPDATE materials gone
SET deprecated = true, same_as = NULL, updated_at = now()
FROM material_sources origin
WHERE gone.material_id = origin.source || ':' || origin.source_id
  AND origin.source = :source
  AND origin.retrieved_at < CAST(:listed_at AS timestamptz)
  AND (NOT gone.deprecated OR gone.same_as IS NOT NULL)
  AND (cardinality(CAST(:chemical_systems AS text[])) = 0
       OR gone.chemical_system = ANY (CAST(:chemical_systems AS text[])))
  AND gone.elements @> CAST(:elements AS text[])
  AND NOT gone.elements && CAST(:without_elements AS text[])
  AND (cardinality(CAST(:records AS text[])) = 0 OR origin.source_id = ANY (CAST(:records AS text[])))
  AND NOT EXISTS (
      SELECT 1 FROM unnest(CAST(:standing AS text[])) AS listed (source_id) WHERE listed.source_id = origin.source_id
  );
