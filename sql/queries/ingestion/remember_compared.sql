-- Remember the records of some formulas as they are, so that they are compared again only when one has changed.
-- Parameters: formulas (text array).
WITH states AS (
    SELECT
        m.reduced_formula,
        encode(sha256(convert_to(string_agg(record_state(m), ',' ORDER BY m.material_id COLLATE "C"), 'UTF8')), 'hex') AS sha256
    FROM materials m
    WHERE m.reduced_formula = ANY (CAST(:formulas AS text[]))
      AND split_part(m.material_id, ':', 1) NOT IN (SELECT source FROM closed_sources)
    GROUP BY m.reduced_formula
),
left_empty AS (
    DELETE FROM compared_formulas
    WHERE reduced_formula = ANY (CAST(:formulas AS text[]))
      AND reduced_formula NOT IN (SELECT reduced_formula FROM states)
)
INSERT INTO compared_formulas AS known (reduced_formula, sha256)
SELECT reduced_formula, sha256 FROM states
ON CONFLICT (reduced_formula) DO UPDATE SET sha256 = excluded.sha256;
