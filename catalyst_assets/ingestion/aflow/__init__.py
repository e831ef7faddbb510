"""AFLOW by its search language AFLUX."""
