-- Parameters: the columns of relaxed_structures.
INSERT INTO relaxed_structures AS known (
    method, structure_hash, recipe_sha256, relaxed_hash, structure_json, energy_ev, correction_ev, n_sites, status, steps,
    largest_force, space_group_held, space_group_before, space_group_after, volume_change
)
VALUES (
    :method, :structure_hash, :recipe_sha256, :relaxed_hash, CAST(:structure_json AS jsonb), :energy_ev, :correction_ev,
    :n_sites, :status, :steps, :largest_force, :space_group_held, :space_group_before, :space_group_after, :volume_change
)
ON CONFLICT (method, structure_hash) DO UPDATE SET
    recipe_sha256 = excluded.recipe_sha256, relaxed_hash = excluded.relaxed_hash,
    structure_json = excluded.structure_json, energy_ev = excluded.energy_ev, correction_ev = excluded.correction_ev,
    n_sites = excluded.n_sites, status = excluded.status, steps = excluded.steps,
    largest_force = excluded.largest_force, space_group_held = excluded.space_group_held,
    space_group_before = excluded.space_group_before, space_group_after = excluded.space_group_after,
    volume_change = excluded.volume_change, formation_energy = NULL, formation_problem = NULL, relaxed_at = now()
-- One that two runs relaxed at the same time stays as the first wrote it.
WHERE known.status = 'not_converged' OR known.recipe_sha256 <> excluded.recipe_sha256;
