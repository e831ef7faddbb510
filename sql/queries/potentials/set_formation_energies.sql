-- Parameters: method, recipe (its sha256), rows (JSON: structure_hash, formation_energy and formation_problem, one of which is null).
UPDATE relaxed_structures r
SET formation_energy = computed.formation_energy, formation_problem = computed.formation_problem
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS computed (structure_hash text, formation_energy double precision, formation_problem text)
WHERE r.method = :method AND r.recipe_sha256 = :recipe AND r.structure_hash = computed.structure_hash;
