"""Steps of runs on other processes and hosts: Celery over Redis, and the leases that make each step be done once."""
