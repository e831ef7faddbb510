"""Surfaces of crystals and what adsorbs on them: from the bulk to adsorption energies, by any potential.

As GASpy did it (Tran and Ulissi, Nature Catalysis 1, 696 (2018)); nothing here knows Dagster or the database.
"""
