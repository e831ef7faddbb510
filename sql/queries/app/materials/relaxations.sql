-- What potentials made of a material's structure: relaxed, or failed with the reason.
-- :material_id
SELECT r.method, r.status, CAST(NULL AS text) AS reason, r.structure_json #> '{lattice,matrix}' AS lattice,
       r.energy_ev / r.n_sites AS energy_per_atom, r.steps, r.largest_force, r.space_group_held,
       r.space_group_before, r.space_group_after, r.volume_change, r.formation_problem, r.relaxed_at
FROM materials m
JOIN current_relaxations r USING (structure_hash)
WHERE m.material_id = :material_id
UNION ALL
SELECT q.raw_sha256, 'failed', q.reason, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, q.seen_at
FROM materials m
JOIN quarantine q ON q.source = 'relaxed_structures' AND q.record = m.structure_hash
WHERE m.material_id = :material_id
ORDER BY method
