-- The numbers of a version, in the order of the pool, as PostgreSQL's binary format: rows of one width.
COPY (
    SELECT p.mean, p.std, p.draws, coalesce(p.distance, 'NaN') AS distance
    FROM predictions p WHERE p.version = :version ORDER BY p.material_id
) TO STDOUT (FORMAT binary)
