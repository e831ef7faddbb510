-- What potentials have computed: by method, and rows that contradict what came of their material.
SELECT
    coalesce(sum(states), 0) AS states,
    coalesce(sum(anomalies), 0) AS anomalies,
    count(*) AS outcomes,
    count(*) FILTER (WHERE reason <> '') AS without_energy,
    count(*) FILTER (WHERE (states, anomalies) IS DISTINCT FROM (rows.states_there, rows.anomalies_there)) AS contradicted
FROM adsorption_outcomes outcome
CROSS JOIN LATERAL (
    SELECT count(*) AS states_there, count(*) FILTER (WHERE anomaly <> 0) AS anomalies_there
    FROM adsorption_energies energy
    WHERE energy.source = :source AND energy.method = outcome.method AND energy.material_id = outcome.material_id
      AND energy.adsorbate = outcome.adsorbate AND energy.raw_sha256 = outcome.settings_sha256
) rows
