-- Structure hashes that materials of different composition or size share.
SELECT structure_hash, array_agg(DISTINCT reduced_formula ORDER BY reduced_formula) AS formulas
FROM materials
GROUP BY structure_hash
HAVING count(DISTINCT (reduced_formula, chemical_system, n_sites)) > 1
ORDER BY structure_hash
LIMIT 100;
