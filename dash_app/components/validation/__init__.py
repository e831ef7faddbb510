"""Pieces of the page of validation: the board, results, work orders, calculations, what is looked at before it is sent."""
