-- A spread of structures, the same one while the materials are.
-- Parameters: limit.
SELECT material_id, structure_json, structure_hash
FROM materials
ORDER BY md5(material_id)
LIMIT :limit;
