"""What every source shares: its one declaration, and the assets, jobs and schedules that are made of it."""
