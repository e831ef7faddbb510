-- How many adsorption energies are the lowest of their bulk and adsorbate, and their hash: labels where the bulk is known.
-- Parameters: source, method, properties (JSON: adsorbate → property).
WITH lowest AS (
    SELECT energy.bulk_mpid, energy.adsorbate, min(energy.energy_ev) AS energy_ev
    FROM adsorption_energies energy
    JOIN jsonb_each_text(CAST(:properties AS jsonb)) AS wanted (adsorbate, property) USING (adsorbate)
    WHERE energy.source = :source AND energy.method = :method AND energy.frame = -1 AND energy.anomaly = 0
      AND energy.bulk_mpid IS NOT NULL
    GROUP BY energy.bulk_mpid, energy.adsorbate
)
SELECT
    count(*) AS labels,
    encode(sha256(convert_to(coalesce(string_agg(
        concat_ws(' ', bulk_mpid, adsorbate, energy_ev), ','
        ORDER BY bulk_mpid COLLATE "C", adsorbate COLLATE "C"
    ), ''), 'UTF8')), 'hex') AS sha256
FROM lowest;
