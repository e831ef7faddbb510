SELECT count(*) AS n_rows, count(*) FILTER (
    WHERE EXISTS (SELECT 1 FROM unnest(p.mean) AS m (x) WHERE NOT (m.x > '-Infinity' AND m.x < 'Infinity'))
       OR EXISTS (SELECT 1 FROM unnest(p.std) AS s (x) WHERE NOT (s.x >= 0 AND s.x < 'Infinity'))) AS n_bad
FROM predictions p WHERE p.version = :version
