-- The statement that gives a login its password and lets it log in (psql: end with \gexec instead of ;).
-- :verifier is a SCRAM verifier, so that no password reaches the server's log.
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', CAST(:login AS text), CAST(:verifier AS text)) AS statement;
