-- Reduced formulas of some changes that several sources have, or AFLOW or people several times, and whose records have changed
-- since they were compared. Tables of answers are left alone: a closed pool keeps its rows, and other sources may not
-- tell of them.
-- Parameters: after, until (of changes).
WITH changed AS (
    SELECT DISTINCT reduced_formula
    FROM material_changes
    WHERE record AND change_id > :after AND change_id <= :until
),
open_records AS (
    SELECT m.material_id, m.reduced_formula, split_part(m.material_id, ':', 1) AS source
    FROM changed
    JOIN materials m USING (reduced_formula)
    WHERE split_part(m.material_id, ':', 1) NOT IN (SELECT source FROM closed_sources)
),
concerned AS MATERIALIZED (
    SELECT reduced_formula FROM changed JOIN compared_formulas USING (reduced_formula)
    UNION
    SELECT reduced_formula
    FROM open_records
    GROUP BY reduced_formula
    HAVING min(source) <> max(source) OR (count(*) > 1 AND min(source) IN ('aflow', 'uploads'))
),
states AS (
    SELECT reduced_formula, encode(sha256(convert_to(string_agg(record_state(m), ',' ORDER BY m.material_id COLLATE "C"), 'UTF8')), 'hex') AS sha256
    FROM concerned
    JOIN open_records USING (reduced_formula)
    JOIN materials m USING (material_id, reduced_formula)
    GROUP BY reduced_formula
)
SELECT reduced_formula
FROM concerned
LEFT JOIN states USING (reduced_formula)
LEFT JOIN compared_formulas compared USING (reduced_formula)
WHERE compared.sha256 IS DISTINCT FROM states.sha256
   OR compared.sha256 IS NULL
ORDER BY reduced_formula COLLATE "C";
