"""The Materials Project, by its interface or its open table."""
