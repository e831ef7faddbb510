"""A file of results into checked entries: what each cell says, without looking at the database."""
