-- Some materials with their structures as they were ingested.
-- Parameters: materials (text array).
SELECT material_id, structure_hash, structure_json FROM materials WHERE material_id = ANY (CAST(:materials AS text[]))
