-- How many states ended how, by a potential; those without anomaly are called sound.
-- Parameters: source, method.
SELECT coalesce(anomaly_kind, 'sound') AS kind, count(*) AS n
FROM adsorption_energies WHERE source = :source AND method = :method
GROUP BY 1 ORDER BY 1
