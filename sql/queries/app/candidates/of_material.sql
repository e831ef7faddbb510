-- :material_id
SELECT candidate_id FROM candidates WHERE material_id = :material_id ORDER BY candidate_id DESC
