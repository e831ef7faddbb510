-- The statement that makes one database, if it is missing (psql: end with \gexec instead of ;).
SELECT format('CREATE DATABASE %I OWNER %I', CAST(:name AS text), coalesce(CAST(:owner AS text), current_user))
    AS statement
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :name);
