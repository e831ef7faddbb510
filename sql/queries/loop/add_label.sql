INSERT INTO iteration_labels (partition_key, material_id, property, method, value, origin, standard_deviation, result_ids)
VALUES (:partition_key, :material_id, :property, :method, :value, :origin, :standard_deviation, :result_ids)
