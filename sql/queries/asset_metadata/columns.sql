-- The columns of some tables in their order, with type and what is said of each.
SELECT c.relname AS table_name, a.attname AS column_name, format_type(a.atttypid, a.atttypmod) AS data_type,
       NOT a.attnotnull AS nullable, coalesce(col_description(c.oid, a.attnum), '') AS description
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = CAST('public' AS regnamespace) AND c.relname = ANY (CAST(:tables AS text[]))
ORDER BY c.relname, a.attnum
