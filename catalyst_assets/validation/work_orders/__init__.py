"""How work goes out to laboratories: files to fill in, structures, a sheet to print, a message to another system."""
