SELECT material_id, property, method, value, origin, standard_deviation, result_ids FROM iteration_labels
WHERE partition_key = :partition_key ORDER BY material_id, property
