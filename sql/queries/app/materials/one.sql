-- A material with its structure and computed properties; no row where there is none.
-- :material_id
SELECT material_id, reduced_formula AS formula, chemical_system, elements, n_sites, deprecated, created_at, updated_at,
       structure_json AS structure, properties
FROM materials WHERE material_id = :material_id
