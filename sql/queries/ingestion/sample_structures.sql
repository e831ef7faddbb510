-- A spread of structures, the same one while the materials are; of those that some changes tell of, or of all.
-- Parameters: is_all, after, until (of changes), limit.
SELECT material_id, structure_json, structure_hash
FROM materials
WHERE :is_all OR material_id IN (
    SELECT material_id FROM material_changes WHERE change_id > :after AND change_id <= :until
)
ORDER BY md5(material_id)
LIMIT :limit;
