"""What changes, told to who listens: one connection listens to PostgreSQL, however many subscribe."""
