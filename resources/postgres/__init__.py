"""PostgreSQL: connections and queries, migrations, and the embedded server."""
