SELECT material_id, property, method, value, origin FROM iteration_labels
WHERE partition_key = :partition_key ORDER BY material_id, property
