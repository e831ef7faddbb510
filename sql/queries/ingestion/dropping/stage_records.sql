-- The records that came last from the dropped files, and whether a campaign has used them.
CREATE TEMPORARY TABLE dropped_records ON COMMIT DROP AS
SELECT
    origin.source, origin.source_id, known.material_id,
    EXISTS (SELECT 1 FROM iteration_labels used WHERE used.material_id = known.material_id)
        OR EXISTS (SELECT 1 FROM candidates used WHERE used.material_id = known.material_id)
        OR EXISTS (SELECT 1 FROM campaign_test_set used WHERE used.material_id = known.material_id)
        OR EXISTS (SELECT 1 FROM predictions used WHERE used.material_id = known.material_id)
        OR EXISTS (SELECT 1 FROM validation_results used WHERE used.material_id = known.material_id) AS is_used
FROM material_sources origin
JOIN materials known ON known.material_id = origin.source || ':' || origin.source_id
WHERE (origin.source, origin.raw_sha256) IN (SELECT source, sha256 FROM dropped_files WHERE is_alone);
