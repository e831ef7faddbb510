-- Which corrections and retractions Dagster was told of, so that a look at what is new costs next to nothing.

CREATE TABLE told_corrections (
    result_id bigint PRIMARY KEY REFERENCES validation_results,
    told_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE told_corrections IS 'A correction or retraction whose iterations Dagster shows as outdated.';
COMMENT ON COLUMN told_corrections.result_id IS 'The result that corrects or retracts another.';
COMMENT ON COLUMN told_corrections.told_at IS 'When the labels of those iterations were observed anew.';
CREATE INDEX validation_results_corrections ON validation_results (result_id) WHERE supersedes IS NOT NULL;
GRANT SELECT, INSERT ON told_corrections TO catalyst_pipeline;
