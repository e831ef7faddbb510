-- Hash of what all hulls were computed from.
SELECT encode(sha256(convert_to(coalesce(string_agg(
    concat_ws(' ', source, method, chemical_system, sha256), ','
    ORDER BY source COLLATE "C", method COLLATE "C", chemical_system COLLATE "C"
), ''), 'UTF8')), 'hex') AS sha256
FROM computed_hulls;
