-- How far materials are from the labelled ones, what is predicted of them: deviations and joint draws.
-- A version is a part of the table: those that are named are the only ones read.
-- :versions, :material_ids   of the same length
SELECT p.version, p.material_id, p.distance, p.std, p.draws
FROM unnest(CAST(:versions AS bigint[]), CAST(:material_ids AS text[])) AS asked (version, material_id)
JOIN predictions p ON p.version = asked.version AND p.material_id = asked.material_id
WHERE p.version = ANY (CAST(:versions AS bigint[]))
