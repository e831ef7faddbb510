-- Give energies that came before the staged systems bulk, facet, site and anomaly; touches only what differs.
-- Parameters: source.
UPDATE adsorption_energies energy
SET bulk_mpid = system.bulk_mpid,
    bulk_formula = coalesce(system.bulk_formula, energy.bulk_formula),
    miller_index = coalesce(system.miller_index, energy.miller_index),
    shift = system.shift,
    top = system.top,
    adsorption_site = system.adsorption_site,
    anomaly = system.anomaly,
    material_class = system.material_class
FROM staged_adsorption_systems staged
JOIN adsorption_systems system ON system.source = :source AND system.system_id = staged.system_id
WHERE energy.source = :source
  AND energy.system_id = staged.system_id
  AND (energy.bulk_mpid, energy.bulk_formula, energy.miller_index, energy.shift, energy.top, energy.adsorption_site,
       energy.anomaly, energy.material_class)
      IS DISTINCT FROM
      (system.bulk_mpid, coalesce(system.bulk_formula, energy.bulk_formula),
       coalesce(system.miller_index, energy.miller_index), system.shift, system.top, system.adsorption_site,
       system.anomaly, system.material_class);
