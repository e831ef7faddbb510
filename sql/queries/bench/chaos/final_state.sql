-- Everything a loop leaves behind, without identities, clocks and run ids: two installations that did the same have
-- the same rows, to the last bit of each number.
SELECT 'campaigns' AS part, to_jsonb(t)::text AS row
FROM (SELECT name, sha256, status, stop_reason FROM campaigns) t
UNION ALL SELECT 'test set', to_jsonb(t)::text FROM (SELECT campaign, material_id FROM campaign_test_set) t
UNION ALL SELECT 'materials', to_jsonb(t)::text
FROM (SELECT material_id, structure_hash, properties FROM materials) t
UNION ALL SELECT 'sources', to_jsonb(t)::text
FROM (SELECT source, source_id, material_id, raw_sha256 FROM material_sources) t
UNION ALL SELECT 'raw files', to_jsonb(t)::text FROM (SELECT source, url, sha256, parse_status FROM raw_files) t
UNION ALL SELECT 'quarantine', to_jsonb(t)::text FROM (SELECT source, record, raw_sha256, reason FROM quarantine) t
UNION ALL SELECT 'answers', to_jsonb(t)::text
FROM (SELECT source, material_id, property, method, value FROM reference_values) t
UNION ALL SELECT 'iterations', to_jsonb(t)::text
FROM (
    SELECT partition_key, parent, status, label_count, label_sha256, training_set_sha256, model_sha256
    FROM active_learning_runs
) t
UNION ALL SELECT 'labels', to_jsonb(t)::text
FROM (SELECT partition_key, material_id, property, method, value, origin FROM iteration_labels) t
UNION ALL SELECT 'versions', to_jsonb(t)::text
FROM (SELECT partition_key, model_sha256, pool_sha256, status FROM prediction_versions) t
UNION ALL SELECT 'predictions', to_jsonb(t)::text
FROM (
    SELECT v.partition_key, p.material_id, p.mean, p.std, md5(p.draws) AS draws
    FROM predictions p JOIN prediction_versions v USING (version)
) t
UNION ALL SELECT 'rankings', to_jsonb(t)::text
FROM (SELECT partition_key, strategy, seed, label_sha256, features_sha256, ranking_sha256 FROM rankings) t
UNION ALL SELECT 'candidates', to_jsonb(t)::text
FROM (SELECT partition_key, material_id, rank, acquisition, feasibility, status FROM candidates) t
UNION ALL SELECT 'events', to_jsonb(t)::text
FROM (
    SELECT c.partition_key, c.material_id, e.from_status, e.to_status, e.actor, e.reason
    FROM candidate_events e JOIN candidates c USING (candidate_id)
) t
UNION ALL SELECT 'results', to_jsonb(t)::text
FROM (SELECT partition_key, material_id, property, method, outcome, value FROM validation_results) t
ORDER BY part, row
