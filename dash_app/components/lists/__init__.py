"""Lists that the address filters: runs, sources and their files, what was set aside, uploads."""
