"""Tables with a mapping file: CSV, Parquet, ASE databases."""
