-- Which structures are near each other: the first principal components of their features, of one backbone at a time.

CREATE TABLE vector_bases (
    feature_set integer PRIMARY KEY REFERENCES feature_sets,
    n_fitted    integer NOT NULL CHECK (n_fitted >= 0),
    explained   double precision NOT NULL CHECK (explained BETWEEN 0 AND 1),
    projection  bytea NOT NULL,
    noted_at    timestamptz NOT NULL
);
CREATE TABLE structure_vectors (
    structure_hash text PRIMARY KEY,
    feature_set    integer NOT NULL REFERENCES vector_bases ON DELETE CASCADE,
    components     real[] NOT NULL CHECK (cardinality(components) = 64)
);

-- An index where the server has pgvector and we may use it; without, neighbours are found by comparing with all.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS vector;
    CREATE INDEX structure_vectors_nearest ON structure_vectors
        USING hnsw ((CAST(components AS vector(64))) vector_l2_ops);
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'Neighbours are found without an index: %', SQLERRM;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON vector_bases, structure_vectors TO catalyst_pipeline;
GRANT SELECT ON vector_bases, structure_vectors TO catalyst_app;

COMMENT ON TABLE vector_bases IS 'How features become components: of the backbone in use.';
COMMENT ON COLUMN vector_bases.feature_set IS 'The features, as feature_sets numbers them.';
COMMENT ON COLUMN vector_bases.n_fitted IS 'How many structures there were when the components were chosen.';
COMMENT ON COLUMN vector_bases.explained IS 'Share of the variance of standardized features that the components keep.';
COMMENT ON COLUMN vector_bases.projection IS 'Mean, scale and directions: an .npz file.';
COMMENT ON COLUMN vector_bases.noted_at IS 'What feature_sets.noted_at was when every structure with features had its components.';
COMMENT ON TABLE structure_vectors IS 'The first 64 principal components of the features of a structure.';
COMMENT ON COLUMN structure_vectors.structure_hash IS 'The structure, as materials name it.';
COMMENT ON COLUMN structure_vectors.feature_set IS 'The features, as feature_sets numbers them.';
COMMENT ON COLUMN structure_vectors.components IS 'Its components; their distance is that of the structures.';
