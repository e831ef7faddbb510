"""GPUs of this host: which a process may see, and who has one at the moment. Nothing here imports torch."""
