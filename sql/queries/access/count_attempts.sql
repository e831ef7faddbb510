-- Failed attempts of the last quarter of an hour: of a name from an address, from the address, of the name; and how many
-- seconds it takes until the oldest of them is forgotten.
-- :name, :address
SELECT count(*) FILTER (WHERE name = :name AND address = :address) AS of_both,
    count(*) FILTER (WHERE address = :address) AS of_address,
    count(*) FILTER (WHERE name = :name AND name <> '') AS of_name,
    ceil(extract(epoch FROM min(at) + interval '15 minutes' - now())) AS seconds
FROM sign_in_attempts
WHERE at > now() - interval '15 minutes' AND (name = :name OR address = :address)
