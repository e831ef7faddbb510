-- Remove what a potential computed of some adsorbates on a material by the same settings, or of another structure; by
-- default settings also what was computed by those that were the default before.
-- Parameters: source, method, material_id, structure_hash, settings_sha256, by_default, adsorbates (text array).
DELETE FROM adsorption_energies
WHERE source = :source AND method = :method AND material_id = :material_id AND adsorbate = ANY (CAST(:adsorbates AS text[]))
  AND (
      raw_sha256 = :settings_sha256 OR (by_default AND CAST(:by_default AS boolean)) OR structure_hash <> :structure_hash
  )
