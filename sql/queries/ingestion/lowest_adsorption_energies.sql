-- The lowest energy of each bulk's slabs and adsorbate that becomes a label where the bulk is known.
-- Parameters: source, method, properties (JSON: adsorbate → property).
SELECT energy.bulk_mpid, energy.adsorbate, min(energy.energy_ev) AS energy_ev
FROM adsorption_energies energy
JOIN jsonb_each_text(CAST(:properties AS jsonb)) AS wanted (adsorbate, property) USING (adsorbate)
WHERE energy.source = :source AND energy.method = :method AND energy.frame = -1 AND energy.anomaly = 0
  AND energy.bulk_mpid IS NOT NULL
GROUP BY energy.bulk_mpid, energy.adsorbate
ORDER BY energy.bulk_mpid COLLATE "C", energy.adsorbate COLLATE "C";
