-- Insert or update the staged energies, unless a later file said them anew; returns how many are new or other values
-- than before. Bulk and facet are those of the system where it is known, otherwise what the file says itself.
-- Parameters: source, raw_sha256, licence, retrieved_at.
WITH merged AS (
    INSERT INTO adsorption_energies AS known (
        source, system_id, frame, adsorbate, energy_ev, reference_energy_ev, method, bulk_mpid, bulk_formula,
        miller_index, shift, top, adsorption_site, anomaly, material_class, raw_sha256, licence, retrieved_at
    )
    SELECT
        :source, staged.system_id, staged.frame, staged.adsorbate, staged.energy_ev, staged.reference_energy_ev,
        'RPBE', system.bulk_mpid, coalesce(system.bulk_formula, staged.bulk_formula),
        coalesce(system.miller_index, staged.miller_index), system.shift, system.top, system.adsorption_site,
        system.anomaly, system.material_class, :raw_sha256, :licence, CAST(:retrieved_at AS timestamptz)
    FROM staged_adsorption_energies staged
    LEFT JOIN adsorption_systems system
        ON system.source = :source AND system.system_id = staged.system_id
    ORDER BY staged.system_id, staged.frame
    ON CONFLICT (source, system_id, frame) DO UPDATE
    SET adsorbate = excluded.adsorbate,
        energy_ev = excluded.energy_ev,
        reference_energy_ev = excluded.reference_energy_ev,
        bulk_mpid = excluded.bulk_mpid,
        bulk_formula = coalesce(excluded.bulk_formula, known.bulk_formula),
        miller_index = coalesce(excluded.miller_index, known.miller_index),
        shift = excluded.shift,
        top = excluded.top,
        adsorption_site = excluded.adsorption_site,
        anomaly = excluded.anomaly,
        material_class = excluded.material_class,
        raw_sha256 = excluded.raw_sha256,
        licence = excluded.licence,
        retrieved_at = excluded.retrieved_at
    WHERE known.retrieved_at <= excluded.retrieved_at
      AND (known.adsorbate, known.energy_ev, known.reference_energy_ev, known.raw_sha256, known.licence,
           known.retrieved_at)
          IS DISTINCT FROM
          (excluded.adsorbate, excluded.energy_ev, excluded.reference_energy_ev, excluded.raw_sha256,
           excluded.licence, excluded.retrieved_at)
    RETURNING known.system_id, known.frame, (known.xmax = 0) AS is_new
)
SELECT
    count(*) FILTER (WHERE is_new) AS new,
    count(*) FILTER (
        WHERE NOT is_new
          AND (before.adsorbate, before.energy_ev, before.reference_energy_ev)
              IS DISTINCT FROM (staged.adsorbate, staged.energy_ev, staged.reference_energy_ev)
    ) AS changed
FROM merged
JOIN staged_adsorption_energies staged USING (system_id, frame)
LEFT JOIN adsorption_energies before
    ON before.source = :source AND before.system_id = merged.system_id AND before.frame = merged.frame;
