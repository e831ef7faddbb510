"""Adsorption energies that a potential computed here: of which materials, by what recipe, and what is stored of them."""
