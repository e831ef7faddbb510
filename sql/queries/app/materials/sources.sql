-- What sources call a material; of what was uploaded, by whom and when.
-- :material_id
SELECT s.source, s.source_id, s.licence, s.retrieved_at, u.upload_id, u.author, u.uploaded_at,
    u.places[CAST(substring(s.source_id FROM '-(\d+)$') AS integer)] AS uploaded_as
FROM material_sources s
LEFT JOIN uploads u ON s.source = 'uploads' AND u.sha256 = s.raw_sha256
WHERE s.material_id = :material_id
ORDER BY s.source, s.source_id
