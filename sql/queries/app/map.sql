-- The materials of a version of predictions as columns: where each lies by the first two components of its features, what is
-- predicted, and its candidate: of the iteration, or of an earlier one where it was acted upon. Of more than :most all candidates
-- and some others, always the same.
-- Numbers are bytes in network order, so that nobody writes and reads them as text. A status is its place in :statuses, from 1.
-- :version, :campaign, :iteration, :most, :statuses
WITH listed AS (
    SELECT DISTINCT ON (k.material_id) k.material_id, k.candidate_id, k.status,
        CASE WHEN r.iteration = :iteration THEN k.acquisition END AS acquisition,
        CASE WHEN r.iteration = :iteration THEN k.feasibility END AS feasibility
    FROM candidates k
    JOIN active_learning_runs r USING (partition_key)
    WHERE r.campaign = :campaign AND r.iteration <= :iteration AND (r.iteration = :iteration OR k.status <> 'ranked')
    ORDER BY k.material_id, k.status <> 'ranked' DESC, r.iteration DESC
), chosen AS (
    SELECT p.material_id, m.reduced_formula, v.components[1] AS x, v.components[2] AS y, p.mean, p.std, p.distance,
        listed.candidate_id, listed.acquisition, listed.feasibility, CAST(listed.status AS text) AS status
    FROM predictions p
    JOIN materials m USING (material_id)
    LEFT JOIN structure_vectors v USING (structure_hash)
    LEFT JOIN listed USING (material_id)
    WHERE p.version = :version
    ORDER BY listed.material_id IS NULL, hashtext(p.material_id)
    LIMIT :most
)
SELECT (SELECT count(*) FROM predictions WHERE version = :version) AS n_pool,
    array_agg(material_id) AS material_ids, array_agg(reduced_formula) AS formulas,
    string_agg(float4send(coalesce(x, 'NaN')), '') AS x, string_agg(float4send(coalesce(y, 'NaN')), '') AS y,
    string_agg(array_send(mean), '') AS mean, string_agg(array_send(std), '') AS std,
    string_agg(float8send(coalesce(distance, 'NaN')), '') AS distance,
    string_agg(int8send(coalesce(candidate_id, 0)), '') AS candidate_ids,
    string_agg(float8send(coalesce(acquisition, 'NaN')), '') AS acquisition,
    string_agg(float8send(coalesce(feasibility, 'NaN')), '') AS feasibility,
    string_agg(int2send(CAST(coalesce(array_position(CAST(:statuses AS text[]), status), 0) AS smallint)), '') AS status
FROM chosen;
