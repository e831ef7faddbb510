-- Each structure once, with every material that has it; no structure_json where only the composition is known.
SELECT
    structure_hash,
    (array_agg(structure_json ORDER BY material_id))[1] AS structure_json,
    min(reduced_formula) AS reduced_formula,
    array_agg(DISTINCT material_id) AS material_ids
FROM described_structures
WHERE structure_hash = ANY (CAST(:structure_hashes AS text[]))
GROUP BY structure_hash
ORDER BY structure_hash
