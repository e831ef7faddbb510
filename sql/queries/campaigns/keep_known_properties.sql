-- What properties are called and measured in, where it is not kept as it is now: rows that stay are not locked.
-- :properties, :units, :labels, :descriptions  arrays of one length, in the order of the names
INSERT INTO known_properties (property, unit, label, description)
SELECT * FROM unnest(
    CAST(:properties AS text[]), CAST(:units AS text[]), CAST(:labels AS text[]), CAST(:descriptions AS text[])
)
EXCEPT
SELECT property, unit, label, description FROM known_properties
ORDER BY 1
ON CONFLICT (property) DO UPDATE
SET unit = excluded.unit, label = excluded.label, description = excluded.description;
