"""Files of every kind into crystals, rows of cells and models: the one reader, whoever asks."""
