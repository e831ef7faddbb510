"""Hypothetical crystals, built from chemistry alone and enumerated."""
