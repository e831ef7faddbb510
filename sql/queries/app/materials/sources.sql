-- What sources call a material.
-- :material_id
SELECT source, source_id, licence, retrieved_at FROM material_sources WHERE material_id = :material_id
ORDER BY source, source_id
