"""`catalyst bench`: measurements of the platform on published and shipped data, a command a module."""
