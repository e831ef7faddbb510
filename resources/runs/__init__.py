"""How runs of Dagster are started: the daemon, and the warm processes that it forks them from."""
