-- Where COPY puts a shard's systems before one statement merges them.
CREATE TEMPORARY TABLE staged_adsorption_systems (
    system_id       text PRIMARY KEY,
    adsorbate       text NOT NULL,
    bulk_mpid       text,
    bulk_formula    text,
    miller_index    integer[],
    shift           double precision,
    top             boolean,
    adsorption_site jsonb,
    anomaly         smallint,
    material_class  smallint
) ON COMMIT DROP;
