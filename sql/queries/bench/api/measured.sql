-- What was measured of the best candidates of an iteration: their predictions, a row a property.
-- :partition_key, :most, :method, :validator
INSERT INTO validation_results (partition_key, material_id, property, method, outcome, value, unit, validator)
SELECT k.partition_key, k.material_id, entry.key, :method, 'measured',
       CAST(entry.value ->> 'mean' AS double precision) + 0.01, entry.value ->> 'unit', :validator
FROM candidates k CROSS JOIN LATERAL jsonb_each(k.predicted) entry
WHERE k.partition_key = :partition_key AND k.rank <= :most
