-- What became of the structures in use by a potential, and which of them nobody knows anything of.
-- Parameters: method, recipe (its sha256), quarantine_source.
WITH in_use AS (
    SELECT DISTINCT structure_hash FROM materials WHERE NOT deprecated
)
SELECT
    count(*) AS structures,
    count(*) FILTER (WHERE r.status = 'converged') AS converged,
    count(*) FILTER (WHERE r.status = 'not_converged') AS not_converged,
    count(*) FILTER (WHERE r.structure_hash IS NULL AND failed.present) AS failed,
    count(*) FILTER (WHERE r.structure_hash IS NULL AND NOT failed.present) AS waiting,
    count(*) FILTER (WHERE r.structure_hash IS NOT NULL AND failed.present) AS relaxed_and_failed,
    count(*) FILTER (
        WHERE r.space_group_before IS DISTINCT FROM r.space_group_after AND r.structure_hash IS NOT NULL
    ) AS other_space_group,
    avg(abs(r.volume_change)) AS mean_volume_change
FROM in_use s
LEFT JOIN relaxed_structures r ON r.method = :method AND r.recipe_sha256 = :recipe AND r.structure_hash = s.structure_hash
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT 1 FROM quarantine q
        WHERE q.source = :quarantine_source AND q.raw_sha256 = :method AND q.record = s.structure_hash
          AND q.payload ->> 'recipe' = :recipe
    ) AS present
) failed;
