-- Every member of a pool as a candidate, ranked by its first property.
-- :partition_key, :version, :properties, :units
INSERT INTO candidates (partition_key, material_id, rank, acquisition, feasibility, predicted, nearest)
SELECT :partition_key, material_id, place, 1.0 / place, least(1, 1.0 / ln(place + 2)), predicted,
       jsonb_build_array(
           jsonb_build_object('material_id', material_id, 'distance', 0.4),
           jsonb_build_object('material_id', material_id, 'distance', 0.5))
FROM (
    SELECT material_id, row_number() OVER (ORDER BY abs(mean[1] - 1.6), material_id) AS place, (
        SELECT jsonb_object_agg(of.name, jsonb_build_object('mean', of.mean, 'std', of.std, 'unit', of.unit))
        FROM unnest(CAST(:properties AS text[]), CAST(:units AS text[]), p.mean, p.std) AS of (name, unit, mean, std)
    ) AS predicted
    FROM predictions p WHERE version = :version
) placed
ORDER BY place
