-- The components of a material's structure, if it has any; and whether an index finds those near it.
-- :material_id
SELECT v.components, b.explained,
    to_regclass('structure_vectors_nearest') IS NOT NULL
        AND coalesce((
            SELECT CAST(string_to_array(extversion, '.') AS integer[]) >= '{0,8}' FROM pg_extension WHERE extname = 'vector'
        ), false) AS is_indexed
FROM materials m
JOIN structure_vectors v USING (structure_hash)
JOIN vector_bases b USING (feature_set)
WHERE m.material_id = :material_id;
