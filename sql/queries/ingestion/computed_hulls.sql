-- From what the hulls of some chemical systems were computed.
-- Parameters: chemical_systems (text array).
SELECT source, method, chemical_system, sha256
FROM computed_hulls
WHERE chemical_system = ANY (CAST(:chemical_systems AS text[]));
