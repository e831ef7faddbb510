-- Reduced formulas that several sources have, or AFLOW several times, and whose records have changed since they were
-- compared. Tables of answers are left alone: a closed pool keeps its rows, and other sources may not tell of them.
WITH repeated AS (
    SELECT reduced_formula FROM materials GROUP BY reduced_formula HAVING count(*) > 1
),
grouped AS (
    SELECT m.reduced_formula, encode(sha256(convert_to(string_agg(record_state(m), ',' ORDER BY m.material_id COLLATE "C"), 'UTF8')), 'hex') AS sha256
    FROM repeated
    JOIN materials m USING (reduced_formula)
    WHERE split_part(m.material_id, ':', 1) NOT IN (SELECT source FROM closed_sources)
    GROUP BY m.reduced_formula
    HAVING count(DISTINCT split_part(m.material_id, ':', 1)) > 1
        OR count(*) FILTER (WHERE m.material_id LIKE 'aflow:%') > 1
)
SELECT reduced_formula
FROM grouped
LEFT JOIN compared_formulas compared USING (reduced_formula)
WHERE compared.sha256 IS DISTINCT FROM grouped.sha256
UNION
SELECT reduced_formula FROM compared_formulas WHERE sha256 = ''
ORDER BY reduced_formula;
