-- The statement that makes one login, if it is missing (psql: end with \gexec instead of ;).
-- :verifier is a SCRAM verifier, so that no password reaches the server's log.
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', CAST(:login AS text), CAST(:verifier AS text)) AS statement
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :login);
