"""OC20: adsorption energies from archives, databases and tables."""
