"""How runs of Dagster are started: the daemon, the warm processes that it forks them from, and what their processes say."""
