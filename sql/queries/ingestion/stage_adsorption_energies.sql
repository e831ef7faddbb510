-- Where COPY puts a shard's energies before one statement merges them.
CREATE TEMPORARY TABLE staged_adsorption_energies (
    system_id           text NOT NULL,
    frame               integer NOT NULL,
    adsorbate           text NOT NULL,
    energy_ev           double precision NOT NULL,
    reference_energy_ev double precision,
    bulk_formula        text,
    miller_index        integer[],
    PRIMARY KEY (system_id, frame)
) ON COMMIT DROP;
