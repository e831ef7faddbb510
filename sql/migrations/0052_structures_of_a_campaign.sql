-- The structures that a campaign works with: as ingested, or where it names a potential as that relaxed them, of the
-- materials that it did. Inlined into the queries that call it.
CREATE FUNCTION material_structures(relaxed_by text) RETURNS TABLE (material_id text, structure_hash text)
LANGUAGE sql STABLE AS $$
    SELECT m.material_id, CASE WHEN relaxed_by IS NULL THEN m.structure_hash ELSE r.relaxed_hash END
    FROM materials m
    LEFT JOIN current_relaxations r
        ON r.method = relaxed_by AND r.structure_hash = m.structure_hash AND r.status = 'converged'
    WHERE relaxed_by IS NULL OR r.relaxed_hash IS NOT NULL
$$;

-- All structures that features are made of, those of materials and those that a potential relaxed; one may be there more
-- than once.
CREATE VIEW described_structures AS
    SELECT structure_hash, structure_json, n_sites, material_id, NOT deprecated AS in_use FROM materials
    UNION ALL
    SELECT r.relaxed_hash, r.structure_json, r.n_sites, m.material_id, NOT m.deprecated
    FROM current_relaxations r
    JOIN materials m ON m.structure_hash = r.structure_hash
    WHERE r.status = 'converged';

REVOKE ALL ON FUNCTION material_structures FROM PUBLIC;
GRANT EXECUTE ON FUNCTION material_structures TO catalyst_pipeline, catalyst_validator, catalyst_app;
GRANT SELECT ON described_structures TO catalyst_pipeline;
