"""Adsorption energies, from whichever source: what they are, how they are loaded, which become labels."""
