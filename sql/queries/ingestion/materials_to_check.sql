-- Materials that some changes tell of, or all of them.
-- Parameters: is_all, after, until (of changes).
SELECT material_id FROM material_changes WHERE change_id > :after AND change_id <= :until
UNION
SELECT material_id FROM materials WHERE :is_all
ORDER BY material_id;
