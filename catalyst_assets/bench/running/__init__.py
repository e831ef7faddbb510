"""How long people and processes wait for a platform that runs."""
