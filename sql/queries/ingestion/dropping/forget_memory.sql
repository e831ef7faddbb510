-- What sources remember of their last refresh, so that the next one asks for everything again; of downloads that are
-- pinned one by one only the dropped ones are forgotten.
-- Parameters: sources (text array).
WITH unpinned AS (
    UPDATE source_memory
    SET memory = jsonb_set(memory, '{pinned}', (memory -> 'pinned') - (SELECT coalesce(array_agg(url), '{}') FROM dropped_files)),
        updated_at = now()
    WHERE source = ANY (CAST(:sources AS text[])) AND memory ? 'pinned'
)
DELETE FROM source_memory
WHERE source = ANY (CAST(:sources AS text[])) AND NOT memory ? 'pinned';
