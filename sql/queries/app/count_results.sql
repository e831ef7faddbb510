-- How many results pass the filters of results.sql.
-- :campaign, :iteration, :material_id, :since, :candidate_id  null to leave out
SELECT count(*) AS total
FROM validation_results v
LEFT JOIN active_learning_runs r ON r.partition_key = v.partition_key
WHERE ((CAST(:campaign AS text) IS NULL OR r.campaign = :campaign)
          AND (CAST(:iteration AS integer) IS NULL OR r.iteration = :iteration)
       -- What nobody's iteration asked for is of every campaign that suggests the material.
       OR v.partition_key IS NULL AND EXISTS (
           SELECT 1 FROM candidates of_it JOIN active_learning_runs suggesting USING (partition_key)
           WHERE of_it.material_id = v.material_id AND suggesting.campaign = :campaign
             AND (CAST(:iteration AS integer) IS NULL OR suggesting.iteration = :iteration)))
  AND (CAST(:material_id AS text) IS NULL OR v.material_id = :material_id)
  AND (CAST(:since AS timestamptz) IS NULL OR v.created_at >= :since)
  AND (CAST(:candidate_id AS bigint) IS NULL OR EXISTS (
      SELECT 1 FROM candidates c JOIN active_learning_runs its USING (partition_key)
      WHERE c.candidate_id = :candidate_id AND c.material_id = v.material_id
        AND (v.partition_key IS NULL OR r.campaign = its.campaign)))
