-- What became of each candidate of an upload, in order; its material is another one's where that knows the crystal.
-- Parameters: upload_id.
SELECT e.place, m.material_id, m.reduced_formula AS formula, q.reason,
    m.material_id <> 'uploads:' || s.source_id AS is_known
FROM uploads u
CROSS JOIN LATERAL unnest(u.places) WITH ORDINALITY AS e (place, number)
CROSS JOIN LATERAL (
    SELECT lpad(CAST(u.upload_id AS text), greatest(6, length(CAST(u.upload_id AS text))), '0') || '-'
        || lpad(CAST(e.number AS text), greatest(4, length(CAST(e.number AS text))), '0') AS source_id
) named
LEFT JOIN material_sources s ON s.source = 'uploads' AND s.source_id = named.source_id
LEFT JOIN materials m ON m.material_id = s.material_id
LEFT JOIN LATERAL (
    SELECT string_agg(held.reason, '; ' ORDER BY held.quarantine_id) AS reason
    FROM quarantine held
    WHERE held.source = 'uploads' AND held.raw_sha256 = u.sha256 AND held.record = e.place
) q ON true
WHERE u.upload_id = :upload_id
ORDER BY e.number;
