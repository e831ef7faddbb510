-- Until the end of the transaction nobody else writes what is computed of this material's surfaces.
-- Parameters: material_id.
SELECT pg_advisory_xact_lock(hashtextextended('catalyst surfaces ' || :material_id, 0))
