-- The statement that keeps other stores' logins out of a database (psql: end with \gexec instead of ;).
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', CAST(:name AS text)) AS statement;
