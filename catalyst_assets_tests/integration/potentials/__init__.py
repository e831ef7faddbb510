"""Potentials as the platform asks them, over the real protocol."""
