-- What the materials of each source come to.
SELECT source, records, materials, own, identity
FROM material_totals
WHERE records <> 0 OR own <> 0 OR identity <> 0
ORDER BY source COLLATE "C";
