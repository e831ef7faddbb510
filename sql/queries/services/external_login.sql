-- The statements that give one process its own login on a server that somebody else runs (psql: end with \gexec
-- instead of ;). :role holds the rights; :verifier is a SCRAM verifier, so that no password reaches the server's log.
SELECT format('CREATE ROLE %I NOLOGIN', CAST(:role AS text)) AS statement
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)
UNION ALL
SELECT format('GRANT %I TO CURRENT_USER', CAST(:role AS text))
WHERE pg_has_role(current_user, CAST(to_regrole(quote_ident(:role)) AS oid), 'USAGE') IS NOT TRUE
UNION ALL
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', CAST(:login AS text), CAST(:verifier AS text))
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :login)
UNION ALL
SELECT format('GRANT %I TO %I', CAST(:role AS text), CAST(:login AS text))
WHERE NOT EXISTS (
    SELECT FROM pg_auth_members
    WHERE roleid = to_regrole(quote_ident(:role)) AND member = to_regrole(quote_ident(:login))
);
