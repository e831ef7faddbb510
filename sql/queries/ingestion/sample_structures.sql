-- A spread of structures, the same one while the materials are; of those that some changes tell of, or of all.
-- Parameters: is_all, after, until (of changes), limit.
WITH looked_at AS (
    SELECT material_id FROM material_changes WHERE change_id > :after AND change_id <= :until
    UNION
    SELECT material_id FROM materials WHERE :is_all
),
chosen AS (
    SELECT material_id FROM looked_at JOIN materials USING (material_id) ORDER BY md5(material_id) LIMIT :limit
)
SELECT material_id, reduced_formula, structure_json, structure_hash
FROM chosen
JOIN materials USING (material_id)
ORDER BY md5(material_id);
