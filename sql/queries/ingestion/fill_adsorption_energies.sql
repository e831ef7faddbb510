-- Give energies that came before their systems bulk, facet, site and anomaly; touches only what differs.
UPDATE adsorption_energies energy
SET bulk_mpid = system.bulk_mpid,
    bulk_formula = coalesce(system.bulk_formula, energy.bulk_formula),
    miller_index = coalesce(system.miller_index, energy.miller_index),
    shift = system.shift,
    top = system.top,
    adsorption_site = system.adsorption_site,
    anomaly = system.anomaly,
    material_class = system.material_class
FROM adsorption_systems system
WHERE system.source = energy.source
  AND system.system_id = energy.system_id
  AND (energy.bulk_mpid, energy.bulk_formula, energy.miller_index, energy.shift, energy.top, energy.adsorption_site,
       energy.anomaly, energy.material_class)
      IS DISTINCT FROM
      (system.bulk_mpid, coalesce(system.bulk_formula, energy.bulk_formula),
       coalesce(system.miller_index, energy.miller_index), system.shift, system.top, system.adsorption_site,
       system.anomaly, system.material_class);
