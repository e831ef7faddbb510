"""The ledger of what validation answered: adding to it, examining it, and what follows for candidates."""
