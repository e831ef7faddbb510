-- Remember how far a source was read.
-- Parameters: source, memory (JSON).
INSERT INTO source_memory AS known (source, memory)
VALUES (:source, CAST(:memory AS jsonb))
ON CONFLICT (source) DO UPDATE
SET memory = excluded.memory, updated_at = now()
WHERE known.memory IS DISTINCT FROM excluded.memory;
