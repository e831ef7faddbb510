"""What is derived of loaded records: which are the same crystal, labels of bulks, hulls. Only of what changed."""
