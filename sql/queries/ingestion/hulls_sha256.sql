-- Hash of what all hulls were computed from, and how many there are.
SELECT encode(sha256(convert_to(coalesce(string_agg(
    concat_ws(' ', source, method, chemical_system, sha256), ','
    ORDER BY source COLLATE "C", method COLLATE "C", chemical_system COLLATE "C"
), ''), 'UTF8')), 'hex') AS sha256, count(*) AS hulls
FROM computed_hulls;
