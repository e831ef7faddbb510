-- The statements that hand the database of this connection, and what lies in it, to :role (psql: end with \gexec
-- instead of ;).
SELECT format('ALTER DATABASE %I OWNER TO %I', datname, CAST(:role AS text)) AS statement
FROM pg_database WHERE datname = current_database() AND datdba <> to_regrole(quote_ident(:role))
UNION ALL
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database())
UNION ALL
SELECT format('ALTER TABLE %s OWNER TO %I', CAST(oid AS regclass), CAST(:role AS text))
FROM pg_class
WHERE relnamespace = CAST('public' AS regnamespace) AND relkind IN ('r', 'p', 'v', 'm')
    AND relowner <> to_regrole(quote_ident(:role));
