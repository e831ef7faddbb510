"""Crystals that laboratories measured and no source knows: materials of the source `laboratory`."""
