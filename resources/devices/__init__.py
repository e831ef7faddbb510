"""GPUs of this host: which a process may see, and who has one at the moment, and how much fits it. Leases need no torch."""
