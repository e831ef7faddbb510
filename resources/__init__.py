"""Connections to everything outside the process: databases, object store, MLflow, settings."""
