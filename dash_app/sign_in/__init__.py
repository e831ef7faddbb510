"""The page where people sign in, and what it does."""
