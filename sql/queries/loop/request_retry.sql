-- A person asks to try again at once what failed.
UPDATE campaigns SET retry_requested_at = clock_timestamp() WHERE name = :name
