"""Measurements of potentials: how fast they answer, and how right they are."""
