-- Adsorption energies that came last from the dropped files.
DELETE FROM adsorption_energies energy
USING dropped_files gone
WHERE gone.is_alone AND (energy.source, energy.raw_sha256) = (gone.source, gone.sha256);
