"""Servers of an installation behind one guard."""
