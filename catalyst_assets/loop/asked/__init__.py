"""What people ask of campaigns by the API, whose role may not do it itself."""
