INSERT INTO iteration_labels (partition_key, material_id, property, method, value, origin)
VALUES (:partition_key, :material_id, :property, :method, :value, :origin)
