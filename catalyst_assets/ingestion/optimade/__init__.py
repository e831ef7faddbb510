"""Any database that speaks OPTIMADE."""
