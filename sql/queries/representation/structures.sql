SELECT DISTINCT ON (structure_hash) structure_hash, structure_json FROM materials
WHERE structure_hash = ANY (CAST(:structure_hashes AS text[]))
ORDER BY structure_hash, material_id
