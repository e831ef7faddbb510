-- Insert or update the staged systems, unless a later file said them anew; returns how many are new or other values
-- than before. What the newest file says again is its own from then on.
-- Parameters: source, raw_sha256, licence, retrieved_at.
WITH merged AS (
    INSERT INTO adsorption_systems AS known (
        source, system_id, adsorbate, bulk_mpid, bulk_formula, miller_index, shift, top, adsorption_site, anomaly,
        material_class, raw_sha256, licence, retrieved_at
    )
    SELECT
        :source, system_id, adsorbate, bulk_mpid, bulk_formula, miller_index, shift, top, adsorption_site, anomaly,
        material_class, :raw_sha256, :licence, CAST(:retrieved_at AS timestamptz)
    FROM staged_adsorption_systems
    ORDER BY system_id
    ON CONFLICT (source, system_id) DO UPDATE
    SET adsorbate = excluded.adsorbate,
        bulk_mpid = excluded.bulk_mpid,
        bulk_formula = excluded.bulk_formula,
        miller_index = excluded.miller_index,
        shift = excluded.shift,
        top = excluded.top,
        adsorption_site = excluded.adsorption_site,
        anomaly = excluded.anomaly,
        material_class = excluded.material_class,
        raw_sha256 = excluded.raw_sha256,
        licence = excluded.licence,
        retrieved_at = excluded.retrieved_at
    WHERE known.retrieved_at <= excluded.retrieved_at
      AND known IS DISTINCT FROM excluded
    RETURNING known.system_id, (known.xmax = 0) AS is_new
)
SELECT
    count(*) FILTER (WHERE is_new) AS new,
    count(*) FILTER (
        WHERE NOT is_new
          AND (before.adsorbate, before.bulk_mpid, before.bulk_formula, before.miller_index, before.shift,
               before.top, before.adsorption_site, before.anomaly, before.material_class)
              IS DISTINCT FROM
              (staged.adsorbate, staged.bulk_mpid, staged.bulk_formula, staged.miller_index, staged.shift,
               staged.top, staged.adsorption_site, staged.anomaly, staged.material_class)
    ) AS changed
FROM merged
JOIN staged_adsorption_systems staged USING (system_id)
LEFT JOIN adsorption_systems before ON before.source = :source AND before.system_id = merged.system_id;
