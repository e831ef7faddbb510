-- Parameters: source, method, chemical_system, sha256.
INSERT INTO computed_hulls AS known (source, method, chemical_system, sha256)
VALUES (:source, :method, :chemical_system, :sha256)
ON CONFLICT (source, method, chemical_system) DO UPDATE SET sha256 = excluded.sha256;
