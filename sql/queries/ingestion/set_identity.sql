-- Say which material a record is, and what is known of it.
-- Parameters: material_id, same_as, withdrawn, properties (JSON).
UPDATE materials
SET same_as = :same_as,
    deprecated = :withdrawn OR CAST(:same_as AS text) IS NOT NULL,
    properties = CAST(:properties AS jsonb),
    updated_at = now()
WHERE material_id = :material_id;
