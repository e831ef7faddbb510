"""The commands about potentials: their environments, and adsorption energies by them."""
