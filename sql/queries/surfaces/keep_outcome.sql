INSERT INTO adsorption_outcomes (
    method, material_id, adsorbate, structure_hash, settings_sha256, by_default, states, anomalies, refused, reason
)
VALUES (
    :method, :material_id, :adsorbate, :structure_hash, :settings_sha256, :by_default, :states, :anomalies, :refused, :reason
)
