"""Services that run apart, such as each in a container of its own: their programs, health and secrets."""
