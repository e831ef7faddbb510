-- Structure hashes that materials of different composition or size share. Looked at is what some changes tell of, or
-- everything.
-- Parameters: is_all, after, until (of changes).
WITH looked_at AS (
    SELECT material_id FROM material_changes WHERE change_id > :after AND change_id <= :until
    UNION
    SELECT material_id FROM materials WHERE :is_all
),
concerned AS (
    SELECT DISTINCT structure_hash FROM looked_at JOIN materials USING (material_id)
)
SELECT structure_hash, array_agg(DISTINCT reduced_formula ORDER BY reduced_formula) AS formulas
FROM concerned
JOIN materials USING (structure_hash)
GROUP BY structure_hash
HAVING count(DISTINCT (reduced_formula, chemical_system, n_sites)) > 1
ORDER BY structure_hash
LIMIT 100;
