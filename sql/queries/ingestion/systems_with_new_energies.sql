-- Chemical systems in which something that hulls are made from has changed.
-- Parameters: after, until (of changes).
SELECT DISTINCT chemical_system
FROM material_changes
WHERE energies AND change_id > :after AND change_id <= :until;
