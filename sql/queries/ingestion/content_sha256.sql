-- Hash of what later stages read of all materials: changes exactly when one of them does.
SELECT
    count(*) FILTER (WHERE NOT deprecated) AS materials,
    count(*) FILTER (WHERE NOT deprecated OR same_as IS NOT NULL) AS records,
    encode(sha256(convert_to(coalesce(string_agg(
        material_id || ' ' || structure_hash || ' ' || md5(CAST(properties AS text)) || ' ' || deprecated, ','
        ORDER BY material_id COLLATE "C"
    ), ''), 'UTF8')), 'hex') AS sha256
FROM materials;
