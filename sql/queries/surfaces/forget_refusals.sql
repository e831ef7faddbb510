-- Forget why a potential has no energies of some adsorbates on a material; what had none for any adsorbate is said anew.
-- Parameters: source, name (of potential and settings), material_id, adsorbates (text array).
DELETE FROM quarantine
WHERE source = :source AND raw_sha256 = :name AND payload ->> 'material_id' = :material_id
  AND (payload ->> 'adsorbate' IS NULL OR payload ->> 'adsorbate' = ANY (CAST(:adsorbates AS text[])))
