"""MLflow: runs, the model registry, and the files both keep."""
