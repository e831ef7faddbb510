-- Where COPY puts a shard's answers before one statement merges them.
CREATE TEMPORARY TABLE staged_reference_values (
    material_id text NOT NULL,
    property    text NOT NULL,
    method      text NOT NULL,
    value       double precision NOT NULL,
    unit        text NOT NULL
) ON COMMIT DROP;
