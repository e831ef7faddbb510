"""`/materials/uploads`: candidates that people bring themselves."""
