-- Materials of some formulas, a few of each, whose crystals are compared with those of an upload; ingestion leaves closed
-- pools alone, too.
-- Parameters: formulas (text array), most (of each formula).
SELECT m.material_id, m.reduced_formula, m.structure_json, m.structure_hash
FROM unnest(CAST(:formulas AS text[])) AS asked (formula)
CROSS JOIN LATERAL (
    SELECT material_id, reduced_formula, structure_json, structure_hash
    FROM materials
    WHERE reduced_formula = asked.formula AND NOT deprecated
      AND split_part(material_id, ':', 1) NOT IN (SELECT source FROM closed_sources)
    ORDER BY material_id
    LIMIT :most
) m;
