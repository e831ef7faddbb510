"""Potentials without a worker."""
