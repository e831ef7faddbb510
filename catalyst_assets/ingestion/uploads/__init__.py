"""The source `uploads`: candidates that people have made up or found themselves, under their names."""
