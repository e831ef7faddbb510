-- Structure hashes that materials of different composition or size share. Looked at is what some changes tell of, or
-- everything.
-- Parameters: is_all, after, until (of changes).
SELECT structure_hash, array_agg(DISTINCT reduced_formula ORDER BY reduced_formula) AS formulas
FROM materials
WHERE :is_all OR structure_hash IN (
    SELECT structure_hash FROM materials JOIN material_changes USING (material_id)
    WHERE change_id > :after AND change_id <= :until
)
GROUP BY structure_hash
HAVING count(DISTINCT (reduced_formula, chemical_system, n_sites)) > 1
ORDER BY structure_hash
LIMIT 100;
