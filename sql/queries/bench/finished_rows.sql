-- All materials, as they were loaded.
SELECT material_id, reduced_formula, chemical_system, elements, n_sites, structure_json, structure_hash, properties
FROM materials;
