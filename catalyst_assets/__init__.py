"""Active-learning catalyst discovery as Dagster assets."""
