-- Of how many materials a reference_table validator knows all of some properties.
-- Run as catalyst_validator. Parameters: material_ids, properties, method.
SELECT count(*) AS n_materials FROM (
    SELECT material_id FROM reference_values
    WHERE material_id = ANY (CAST(:material_ids AS text[])) AND property = ANY (CAST(:properties AS text[]))
      AND method = :method
    GROUP BY material_id
    HAVING count(DISTINCT property) = cardinality(CAST(:properties AS text[]))
) AS complete
