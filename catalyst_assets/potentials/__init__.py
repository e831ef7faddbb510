"""Universal interatomic potentials: each in an environment of its own, asked through one protocol.

A potential serves three ends: features that describe structures, relaxed candidates with a hull of the same potential,
and cheap answers such as adsorption energies. Its name is the method of its values.
"""
