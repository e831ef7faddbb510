"""Validation with a real database."""
