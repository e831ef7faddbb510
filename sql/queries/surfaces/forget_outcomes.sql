-- Remove what came of some adsorbates on a material, as `forget_energies` removes the energies.
-- Parameters: method, material_id, structure_hash, settings_sha256, by_default, adsorbates (text array).
DELETE FROM adsorption_outcomes
WHERE method = :method AND material_id = :material_id AND adsorbate = ANY (CAST(:adsorbates AS text[]))
  AND (
      settings_sha256 = :settings_sha256 OR (by_default AND CAST(:by_default AS boolean)) OR structure_hash <> :structure_hash
  )
