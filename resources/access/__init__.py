"""Who may use an installation: users, their passwords, sessions and links, and how often signing in may be tried."""
