-- A person asks for the next iteration.
UPDATE campaigns SET advance_requested_at = clock_timestamp() WHERE name = :name
