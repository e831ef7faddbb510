-- From what the hulls of one source and method were computed.
-- Parameters: source, method.
SELECT chemical_system, sha256 FROM computed_hulls WHERE source = :source AND method = :method;
