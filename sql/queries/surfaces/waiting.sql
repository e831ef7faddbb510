-- Which of some materials wait for the energies of an adsorbate: never computed, or by other settings, or of another
-- structure; and where :again those of which a part has no energy. In the order asked for.
-- Parameters: materials (text array), method, settings_sha256, adsorbates (text array), again.
SELECT known.material_id, known.structure_hash, coalesce(known.n_sites, 1) AS n_sites, array_agg(wanted.adsorbate ORDER BY wanted.place) AS adsorbates
FROM unnest(CAST(:materials AS text[])) WITH ORDINALITY AS asked (material_id, place)
JOIN materials known USING (material_id)
CROSS JOIN unnest(CAST(:adsorbates AS text[])) WITH ORDINALITY AS wanted (adsorbate, place)
WHERE NOT EXISTS (
    SELECT FROM adsorption_outcomes outcome
    WHERE outcome.method = :method AND outcome.material_id = known.material_id AND outcome.adsorbate = wanted.adsorbate
      AND outcome.settings_sha256 = :settings_sha256 AND outcome.structure_hash = known.structure_hash
      AND NOT (CAST(:again AS boolean) AND outcome.refused > 0)
)
GROUP BY known.material_id, known.structure_hash, known.n_sites, asked.place
ORDER BY asked.place
