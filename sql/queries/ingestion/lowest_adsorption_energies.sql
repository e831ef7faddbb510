-- How many adsorption energies are the lowest of their bulk, adsorbate and method, and their hash: labels where the bulk is
-- known.
-- Parameters: published, computed (sources), properties (JSON: adsorbate → property).
WITH lowest AS (
    SELECT coalesce(energy.bulk_mpid, energy.material_id) AS bulk, energy.adsorbate, energy.method,
        min(energy.energy_ev) AS energy_ev
    FROM adsorption_energies energy
    JOIN jsonb_each_text(CAST(:properties AS jsonb)) AS wanted (adsorbate, property) USING (adsorbate)
    LEFT JOIN materials own ON own.material_id = energy.material_id AND own.structure_hash = energy.structure_hash
    WHERE energy.source IN (:published, :computed) AND energy.frame = -1 AND energy.anomaly = 0
      AND (energy.source = :published OR (energy.by_default AND own.material_id IS NOT NULL))
      AND coalesce(energy.bulk_mpid, energy.material_id) IS NOT NULL
    GROUP BY 1, energy.adsorbate, energy.method
)
SELECT
    count(*) AS labels,
    encode(sha256(convert_to(coalesce(string_agg(
        concat_ws(' ', bulk, adsorbate, method, energy_ev), ','
        ORDER BY bulk COLLATE "C", adsorbate COLLATE "C", method COLLATE "C"
    ), ''), 'UTF8')), 'hex') AS sha256
FROM lowest;
