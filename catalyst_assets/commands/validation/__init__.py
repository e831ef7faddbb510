"""`catalyst validation`: work that validators have, results that come in."""
