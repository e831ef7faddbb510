"""CIF into crystals: what a file lists, compared with what it claims of itself."""
