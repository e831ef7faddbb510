-- What the dropped files said of systems, and what the energies of these had from there.
WITH gone AS (
    DELETE FROM adsorption_systems system
    USING dropped_files file
    WHERE file.is_alone AND (system.source, system.raw_sha256) = (file.source, file.sha256)
    RETURNING system.source, system.system_id
),
unfilled AS (
    UPDATE adsorption_energies energy
    SET bulk_mpid = NULL, shift = NULL, top = NULL, adsorption_site = NULL, anomaly = NULL, material_class = NULL
    FROM gone
    WHERE (energy.source, energy.system_id) = (gone.source, gone.system_id)
)
SELECT count(*) AS n FROM gone;
