"""The page of candidates: controls above the grid, the grid, one candidate beside it, several side by side."""
