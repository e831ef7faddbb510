-- Parameters: source, method, chemical_system.
DELETE FROM computed_hulls
WHERE source = :source AND method = :method AND chemical_system = :chemical_system;
