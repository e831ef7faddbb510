-- The hash of a material's structure; the material is there until the end of the transaction. What updates its properties
-- meanwhile does not wait: it may hold what this transaction waits for.
-- Parameters: material_id.
SELECT structure_hash FROM materials WHERE material_id = :material_id FOR KEY SHARE
