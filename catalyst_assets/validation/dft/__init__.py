"""Plane-wave density functional theory: which methods there are, what a calculation costs, and the program that does it."""
