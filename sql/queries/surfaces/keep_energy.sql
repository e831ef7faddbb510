INSERT INTO adsorption_energies (
    source, system_id, frame, adsorbate, energy_ev, reference_energy_ev, method, bulk_formula, miller_index, shift, top,
    adsorption_site, anomaly, raw_sha256, licence, retrieved_at, material_id, structure_hash, termination, site, ended_at,
    reference_set, steps, largest_force, by_default
)
VALUES (
    :source, :system_id, -1, :adsorbate, :energy_ev, :reference_energy_ev, :method, :bulk_formula, :miller_index, :shift, :top,
    CAST(:adsorption_site AS jsonb), :anomaly, :settings_sha256, :licence, now(), :material_id, :structure_hash, :termination,
    :site, :ended_at, :reference_set, :steps, :largest_force,
    :by_default
)
