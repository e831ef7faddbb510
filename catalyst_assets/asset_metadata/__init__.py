"""What Dagster shows of an asset beside its data: tables to read, schemas, code versions, links."""
