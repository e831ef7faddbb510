-- How much of the features' variance a map by the first two components shows.

ALTER TABLE vector_bases ADD COLUMN explained_by_two double precision CHECK (explained_by_two BETWEEN 0 AND 1);
COMMENT ON COLUMN vector_bases.explained_by_two IS 'Share of that variance which the first two components keep, as a map shows it.';

-- Of components that are there already: from their own variances, of a part of them where they are many.
UPDATE vector_bases b
SET explained_by_two = least(1.0, b.explained * measured.share)
FROM (
    SELECT coalesce(sum(variance) FILTER (WHERE place <= 2) / nullif(sum(variance), 0), 1.0) AS share
    FROM (
        SELECT c.place, var_pop(c.value) AS variance
        FROM (SELECT components FROM structure_vectors LIMIT 20000) v
        CROSS JOIN LATERAL unnest(v.components) WITH ORDINALITY AS c (value, place)
        GROUP BY c.place
    ) by_component
) measured;
