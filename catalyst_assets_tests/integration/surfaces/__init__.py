"""Adsorption energies by a potential, through the database."""
