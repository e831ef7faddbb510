"""The REST API under `/api/v1`: the only way by which pages, notebooks and laboratories reach the database."""
